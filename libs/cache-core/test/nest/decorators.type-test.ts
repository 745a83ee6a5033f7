/** What has to compile, and what must not, where the decorators meet the methods that they stand on. */
import { Cacheable, CachedCall, CacheEvict, keyspace } from '../../src/index.js';

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

  @CachedCall({ service: 'crm', method: 'find' })
  async looksAtEveryArgument(_id: string, _page?: number): Promise<{ readonly name: string }> {
    return { name: '' };
  }

  @CachedCall({ service: 'crm', method: 'find', keeps: ({ isError }: { isError?: boolean }) => isError !== true })
  async tellsItsErrors(_id: string): Promise<{ isError?: boolean; content: string }> {
    return { content: '' };
  }

  // @ts-expect-error the tenant is made from a text
  @CachedCall({ service: 'crm', method: 'find', tenant: (tenant: string) => tenant })
  async takesAnotherTenant(_tenant: number): Promise<string> {
    return '';
  }

  // @ts-expect-error there is nothing to look at
  @CachedCall({ service: 'crm', method: 'find', keeps: ({ isError }: { isError: boolean }) => !isError })
  async tellsNoErrors(_id: string): Promise<string> {
    return '';
  }
}
