/** What has to compile, and what must not, where the decorators meet the methods that they stand on. */
import { Cacheable, CacheEvict, keyspace } from '../../src/index.js';

export class Methods {
  @CacheEvict(keyspace.lead, { wholeFamily: true })
  async looksAtNothing(_uuid: string, _again: number): Promise<void> {}

  @CacheEvict(keyspace.lead, { tags: () => ['leads'] })
  async looksAtNoArgument(_uuid: string): Promise<void> {}

  @CacheEvict(keyspace.lead, { key: (uuid: string) => ({ uuid }) })
  async looksAtTheFirst(_uuid: string, _again: number): Promise<void> {}

  // @ts-expect-error the key is made from a text
  @CacheEvict(keyspace.lead, { key: (uuid: string) => ({ uuid }) })
  async takesAnother(_uuid: number): Promise<void> {}

  // @ts-expect-error a segment is missing
  @Cacheable(keyspace.lead, { key: (_uuid: string) => ({}) })
  async namesNoSegment(uuid: string): Promise<Record<string, unknown>> {
    return { uuid };
  }

  // @ts-expect-error not a value of the family
  @Cacheable(keyspace.lead, { key: (uuid: string) => ({ uuid }) })
  async answersAnother(_uuid: string): Promise<number> {
    return 1;
  }
}
