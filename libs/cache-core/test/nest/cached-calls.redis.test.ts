import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cache, CacheCoreModule, CachedCall, RedisRoles } from '../../src/index.js';
import { oneServer, PATIENT, type OneServer } from '../redis-place.js';

interface Tool {
  readonly isError?: boolean;
  readonly content: unknown;
}

/** What every instance of the application calls. */
const service = { calls: [] as unknown[], failing: false, answer: undefined as unknown };

@Injectable()
class Crm {
  @CachedCall({ service: 'crm', method: 'find' })
  async find(...args: unknown[]): Promise<unknown> {
    return this.called(args);
  }

  @CachedCall({
    service: 'crm',
    method: 'mine',
    params: (id: string, _tenant: string, _user: string) => id,
    tenant: (_id, tenant) => tenant,
    scope: (_id, _tenant, user) => user,
    tags: (id) => [`company ${id}`],
    ttlSeconds: 60,
  })
  async mine(id: string, tenant: string, user: string): Promise<unknown> {
    return this.called([id, tenant, user]);
  }

  @CachedCall({ service: 'crm', method: 'changedSince', params: (since: Date) => since.toISOString() })
  async changedSince(since: Date, _signal?: AbortSignal): Promise<unknown> {
    return this.called([since.getTime()]);
  }

  @CachedCall({ service: 'crm', method: 'page', params: (filter: { readonly state: string }) => filter.state })
  async page(filter: { readonly state: string; readonly page?: number }): Promise<unknown> {
    return this.called([filter.state, filter.page]);
  }

  @CachedCall({ service: 'tools', method: 'search', keeps: ({ isError }: Tool) => isError !== true })
  async search(text: string): Promise<Tool> {
    return { ...(service.failing ? { isError: true } : {}), content: await this.called([text]) };
  }

  @CachedCall({ service: 'other', method: 'find' })
  async findElsewhere(...args: unknown[]): Promise<unknown> {
    return this.called(args);
  }

  @CachedCall({ service: 'crm', method: 'list' })
  async list(...args: unknown[]): Promise<unknown> {
    return this.called(args);
  }

  private async called(args: unknown[]): Promise<unknown> {
    service.calls.push(args);
    // Whoever asks meanwhile finds a call under way.
    await new Promise((resolve) => setImmediate(resolve));
    if (service.failing && args[0] !== 'told') throw new Error('the service is down');
    return service.answer === undefined ? { call: service.calls.length } : service.answer;
  }
}

describe('cached calls of clients in the process', () => {
  let redis: OneServer;
  let here: TestingModule;
  let there: TestingModule;
  let crm: Crm;
  let crmThere: Crm;

  const start = async (): Promise<TestingModule> => {
    const module = await Test.createTestingModule({
      imports: [CacheCoreModule.forRoot({ redis: { ...redis.home, layout: 'single', times: PATIENT } })],
      providers: [Crm],
    }).compile();
    await module.init();
    await module.get(RedisRoles).link('cache').untilUp(60_000);
    return module;
  };

  beforeAll(async () => {
    redis = await oneServer();
    [here, there] = await Promise.all([start(), start()]);
    crm = here.get(Crm);
    crmThere = there.get(Crm);
  });

  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    await redis.stop();
  });

  beforeEach(() => {
    Object.assign(service, { calls: [], failing: false, answer: undefined });
  });

  const keysOf = async (what: string): Promise<string[]> =>
    (await redis.keys(`api:call:${what}:*`)).filter((key) => /:[0-9a-f]{64}$/.test(key));

  it('lie where, and as, the keyspace says: any reader of Redis sees them', async () => {
    service.answer = { id: 7, name: 'Peña' };
    await crm.find('seen', { b: 1, a: [true, null] });
    const [key, ...others] = await keysOf('crm:find');
    expect(others).toEqual([]);
    expect(await redis.raw.type(key as string)).toBe('string');
    const ttl = await redis.raw.ttl(key as string);
    expect(ttl).toBeGreaterThan(3590);
    expect(ttl).toBeLessThanOrEqual(3600);
    const stored = JSON.parse((await redis.raw.get(key as string)) as string) as Record<string, unknown>;
    expect(stored).toEqual({ response: { id: 7, name: 'Peña' }, timestamp: expect.any(String), status: 200 });
    expect(new Date(stored['timestamp'] as string).toISOString()).toBe(stored['timestamp']);
  });

  it('are made once, for any number of simultaneous callers in two processes', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? crm : crmThere).find('together')),
    );
    expect(service.calls).toHaveLength(1);
    expect(answers).toEqual(Array.from({ length: 40 }, () => ({ call: 1 })));
  });

  it('are one call however the members of an argument are ordered, and another for every difference', async () => {
    await crm.find('order', { a: 1, b: { c: 2, d: 3 } });
    await crmThere.find('order', { b: { d: 3, c: 2 }, a: 1 });
    expect(service.calls).toHaveLength(1);
    const different: unknown[][] = [
      [],
      [undefined],
      [null],
      [[]],
      [''],
      ['', ''],
      [0],
      ['0'],
      [false],
      [{}],
      [[{}]],
      ['a', 'b'],
      ['ab'],
      [['a', 'b']],
      ['a', ['b']],
      ['a', 'b', undefined],
      [9_007_199_254_740_992],
      [9_007_199_254_740_994],
      ['\uD800'],
      ['\uD801'],
      ['\uFFFD'],
    ];
    service.calls = [];
    for (const args of different) await crm.list(...args);
    expect(service.calls).toEqual(different);
    await crm.findElsewhere('');
    await crm.find('');
    expect(service.calls).toHaveLength(different.length + 2);
    for (const args of different) await crmThere.list(...args);
    expect(service.calls).toHaveLength(different.length + 2);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;

  it.each<[string, unknown[], string]>([
    ['undefined before others', [undefined, 1], 'argument 0 is undefined'],
    ['an undefined member', [{ page: undefined }], 'argument 0.page is undefined'],
    ['a function', ['id', () => 1], 'argument 1 is a function'],
    ['a cycle', ['id', cyclic], 'holds itself'],
    ['a BigInt', [7n], 'argument 0 is a bigint'],
    ['a Date', ['id', { since: new Date(0) }], 'argument 1.since is an instance of Date'],
    ['a Map', [new Map()], 'argument 0 is an instance of Map'],
    ['NaN', [Number.NaN], 'argument 0 is no finite number'],
  ])('refuse %s before the method runs', async (_what, args, message) => {
    const before = await keysOf('crm:*');
    await expect(crm.find(...args)).rejects.toMatchObject({
      code: 'argument_not_json',
      call: 'crm.find',
      message: expect.stringContaining(message),
    });
    expect(service.calls).toEqual([]);
    expect(await keysOf('crm:*')).toEqual(before);
  });

  it('trap 7: keep tenants apart, and scopes within a tenant', async () => {
    const askers: readonly [string, string, string][] = [
      ['7', 'acme', 'ana'],
      ['7', 'acme', 'eva'],
      ['7', 'other', 'ana'],
    ];
    for (const asker of askers) await crm.mine(...asker);
    for (const asker of askers) await crmThere.mine(...asker);
    expect(service.calls).toEqual(askers);
    const [key] = await keysOf('crm:mine');
    expect(await redis.raw.ttl(key as string)).toBeLessThanOrEqual(60);
  });

  it('end with their service’s tag, and with their own, for one tenant', async () => {
    const readAll = async (): Promise<unknown[]> => {
      service.calls = [];
      for (const id of ['1', '2']) for (const tenant of ['acme', 'other']) await crmThere.mine(id, tenant, 'ivo');
      return service.calls.map((args) => (args as string[]).slice(0, 2).join(' '));
    };
    await readAll();
    expect(await readAll()).toEqual([]);
    await here.get(Cache).invalidateTag('company 1', 'acme');
    expect(await readAll()).toEqual(['1 acme']);
    await here.get(Cache).invalidateTag('service:crm', 'other');
    expect(await readAll()).toEqual(['1 other', '2 other']);
  });

  it('say themselves what of their arguments counts, and trap 7: fail when they read more', async () => {
    await crm.changedSince(new Date(0), new AbortController().signal);
    await crmThere.changedSince(new Date(0), new AbortController().signal);
    await crm.changedSince(new Date(1), new AbortController().signal);
    expect(service.calls).toEqual([[0], [1]]);
    await expect(crm.page({ state: 'new', page: 2 })).rejects.toMatchObject({ code: 'key_coverage' });
  });

  it('never keep an error, neither one that is thrown nor one that is told', async () => {
    service.failing = true;
    await expect(crm.find('failing')).rejects.toThrow('the service is down');
    expect(await crm.search('told')).toMatchObject({ isError: true });
    service.failing = false;
    expect(await keysOf('tools:*')).toEqual([]);
    await expect(crmThere.find('failing')).resolves.toEqual({ call: 3 });
    expect(await crmThere.search('told')).toEqual({ content: { call: 4 } });
    expect(await crm.search('told')).toEqual({ content: { call: 4 } });
  });

  it.each<[string, unknown, string]>([
    ['a Date', { at: new Date(0) }, 'the answer.at is an instance of Date'],
    ['a Map', new Map(), 'the answer is an instance of Map'],
    ['a BigInt', { id: [1n] }, 'the answer.id.0 is a bigint'],
  ])('refuse an answer with %s, which others would get otherwise', async (what, answer, message) => {
    service.answer = answer;
    const refusal = { code: 'answer_not_json', message: expect.stringContaining(message) };
    await expect(crm.find('answer', what)).rejects.toMatchObject(refusal);
    await expect(crm.find('answer', what)).rejects.toMatchObject(refusal);
    expect(service.calls).toHaveLength(2);
  });

  it('keep null, and text that is no text of Unicode', async () => {
    for (const answer of [null, '', 0, '\uD800', [{ a: {} }]]) {
      service.answer = answer;
      await crm.find('kept', answer);
      service.answer = 'another';
      expect(await crmThere.find('kept', answer)).toEqual(answer);
    }
  });

  it('run bare where Nest did not make the instance', async () => {
    const bare = new Crm();
    await bare.find('bare');
    await bare.find('bare', new Date(0));
    expect(service.calls).toHaveLength(2);
  });

  it('have names', () => {
    expect(() => CachedCall({ service: '', method: 'find' })).toThrow('service is a name');
    expect(() => CachedCall({ service: 'crm' } as never)).toThrow('method is a name');
  });
});
