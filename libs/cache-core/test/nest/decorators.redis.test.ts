import 'reflect-metadata';
import { Injectable, Scope, SetMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheCoreModule, CacheEvict, keyspace, RedisRoles } from '../../src/index.js';
import { PATIENT, type RedisPlace } from '../redis-place.js';
import { EVERY_PLACE } from '../stage.js';

interface Search {
  readonly text: string;
  readonly locale?: string;
  readonly requestId?: string;
}

@Injectable()
class Values {
  readonly calls: string[] = [];
  failing = false;

  @Cacheable(keyspace.appValue, {
    key: (key: string, tenant: string) => ({ key: `${tenant} ${key}` }),
    tenant: (_key, tenant) => tenant,
    tags: (key) => [`first letter ${key[0]}`],
  })
  async read(key: string, tenant: string): Promise<unknown> {
    this.calls.push(`${tenant} ${key}`);
    if (this.failing) throw new Error('the origin is down');
    return { key, tenant, call: this.calls.length };
  }

  @CacheEvict(keyspace.appValue, {
    key: (key: string, tenant: string) => ({ key: `${tenant} ${key}` }),
    tenant: (_key, tenant) => tenant,
  })
  async write(_key: string, _tenant: string): Promise<string> {
    if (this.failing) throw new Error('the origin is down');
    return 'written';
  }

  @CacheEvict(keyspace.appValue, {
    tags: (letter: string, _tenant: string) => [`first letter ${letter}`],
    tenant: (_letter, tenant) => tenant,
  })
  async forgetLetter(_letter: string, _tenant: string): Promise<void> {}

  @CacheEvict(keyspace.appValue, { wholeFamily: true, tenant: (tenant: string) => tenant })
  async forgetAll(_tenant: string): Promise<void> {}

  @Cacheable(keyspace.contentSearch, {
    key: ({ text }: Search) => ({ description_hash: sha(text) }),
    ignores: ['0.requestId'],
  })
  async search(search: Search): Promise<{ images: []; timestamp: string }> {
    this.calls.push(search.requestId ?? '');
    return { images: [], timestamp: search.text.startsWith('!') ? (search.locale ?? 'none') : 'now' };
  }

  @CacheEvict(keyspace.lead, { key: (uuid: string) => ({ uuid }) })
  async writeLead(uuid: string): Promise<void> {
    this.calls.push(uuid);
  }

  @Cacheable(keyspace.surfsense, { key: (name: string) => ({ empresa_normalizada: name }) })
  async enrich(name: string): Promise<Record<string, unknown>> {
    this.calls.push(name);
    return this.failing ? (undefined as never) : { name };
  }

  @Cacheable(keyspace.appValue, { key: (key: string) => ({ key }) })
  @SetMetadata('of the method', 'route')
  async marked(key: string): Promise<unknown> {
    return key;
  }

  @Cacheable(keyspace.appValue, { key: (key: string) => ({ key }) })
  async readIn(key: string, locale?: string): Promise<unknown> {
    return `${key} ${locale}`;
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  static made = 0;

  @Cacheable(keyspace.appValue, { key: (key: string) => ({ key: `per request ${key}` }) })
  async read(key: string): Promise<unknown> {
    PerRequest.made += 1;
    return key;
  }
}

function sha(text: string): string {
  return Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);
}

describe.each(EVERY_PLACE)('decorated methods on %s', (_place, startPlace) => {
  let redis: RedisPlace;
  let module: TestingModule;
  let values: Values;

  beforeAll(async () => {
    redis = await startPlace();
    module = await Test.createTestingModule({
      imports: [
        CacheCoreModule.forRootAsync({
          useFactory: async () => ({ redis: { ...redis.home, layout: 'single', times: PATIENT } }),
        }),
      ],
      providers: [Values, PerRequest],
    }).compile();
    await module.init();
    values = module.get(Values);
    await module.get(RedisRoles).link('cache').untilUp(60_000);
  });

  afterAll(async () => {
    await module.close();
    await redis.stop();
  });

  beforeEach(() => {
    values.failing = false;
    values.calls.length = 0;
    PerRequest.made = 0;
  });

  it('load once, for any number of callers, and keep tenants apart', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => values.read('a1', 'acme')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    await values.read('a1', 'acme');
    await values.read('a1', 'other');
    expect(values.calls).toEqual(['acme a1', 'other a1']);
  });

  it('trap 1: evict by key, after success and after failure', async () => {
    await values.read('b1', 'acme');
    await values.write('b1', 'acme');
    await values.read('b1', 'acme');
    values.failing = true;
    await expect(values.write('b1', 'acme')).rejects.toThrow('the origin is down');
    await expect(values.read('b1', 'acme')).rejects.toThrow('the origin is down');
    expect(values.calls).toHaveLength(3);
  });

  it('trap 1: evict by tag and by family, within a tenant', async () => {
    const readAll = () =>
      Promise.all(['c1', 'c2', 'd1'].flatMap((key) => [values.read(key, 'acme'), values.read(key, 'other')]));
    await readAll();
    values.calls.length = 0;
    await values.forgetLetter('c', 'acme');
    await readAll();
    expect(values.calls.toSorted()).toEqual(['acme c1', 'acme c2']);
    values.calls.length = 0;
    await values.forgetAll('other');
    await readAll();
    expect(values.calls.toSorted()).toEqual(['other c1', 'other c2', 'other d1']);
  });

  it('trap 7: fail when they read what the key does not cover', async () => {
    await expect(values.search({ text: 'plain', locale: 'es', requestId: '1' })).resolves.toBeDefined();
    await expect(values.search({ text: '! in a language', locale: 'es' })).rejects.toMatchObject({
      code: 'key_coverage',
      path: 'argument 0.locale',
    });
    await expect(values.readIn('e1', 'es')).rejects.toMatchObject({ code: 'key_coverage', path: 'argument 1' });
  });

  it('refuse what is no value of the family, and store nothing', async () => {
    values.failing = true;
    await expect(values.enrich('f1')).rejects.toMatchObject({ code: 'value_shape', family: 'surfsense' });
    values.failing = false;
    await expect(values.enrich('f1')).resolves.toEqual({ name: 'f1' });
    expect(values.calls).toEqual(['f1', 'f1']);
  });

  it('evict nothing that cannot be named: the method does not run', async () => {
    await expect(values.writeLead('no uuid')).rejects.toMatchObject({ code: 'segment_shape' });
    expect(values.calls).toEqual([]);
  });

  it('stand above others: what those said of the method is said of what stands for it', () => {
    const marked = Object.getOwnPropertyDescriptor(Values.prototype, 'marked')?.value as (key: string) => unknown;
    expect(Reflect.getMetadata('of the method', marked)).toBe('route');
    expect([marked.name, marked.length]).toEqual(['marked', 1]);
  });

  it('work in request-scoped providers, and run bare where Nest did not make the instance', async () => {
    const [one, two] = await Promise.all([module.resolve(PerRequest), module.resolve(PerRequest)]);
    await one.read('g');
    await two.read('g');
    expect(PerRequest.made).toBe(1);
    await new PerRequest().read('g');
    expect(PerRequest.made).toBe(2);
  });

  it('name at least something to evict', () => {
    expect(() => CacheEvict(keyspace.appValue, {})).toThrow('names nothing to evict');
    expect(() => CacheEvict(keyspace.session, { wholeFamily: true })).toThrow('one by one');
  });
});
