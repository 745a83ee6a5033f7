import {
  CacheAside,
  DEFAULT_TENANT,
  encodeValue,
  Cache,
  keyspace,
  RedisRoles,
  type EntryLabels,
} from '@promptsales/cache-core';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

interface Operation {
  readonly id: string;
  readonly state: string;
  readonly deleted: number;
  readonly nodes: readonly { readonly node: string }[];
}

const HASH = 'b'.repeat(64);

describe('invalidation over HTTP', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;
  let acme: Record<string, string>;
  let globex: Record<string, string>;

  const invalidate = (body: object, key: Record<string, string> = acme) =>
    request(api.server).post('/v1/cache/invalidate').set(key).send(body);
  const ref = (key: string, tenant = 'acme') => keyspace.appValue.at({ key }, tenant);
  const store = async (key: string, labels: EntryLabels = {}, tenant = 'acme'): Promise<void> => {
    const filling = { stored: encodeValue(keyspace.appValue, 'old') };
    expect(await api.app.get(Cache).put({ ref: ref(key, tenant), labels }, filling)).toBe('stored');
  };
  const read = (key: string, tenant = 'acme') =>
    new CacheAside(api.app.get(Cache), api.app.get(RedisRoles)).getOrLoad(ref(key, tenant), async () => 'new');
  /** Whether a read now finds what was stored. */
  const isThere = async (key: string, tenant = 'acme'): Promise<boolean> => (await read(key, tenant)).source === 'hit';
  const client = <T>(command: Parameters<ReturnType<typeof link>['readAt']>[1]): Promise<T> =>
    link().readAt('app:x', command) as Promise<T>;
  const link = () => api.app.get(RedisRoles).link('cache');
  const fill = async (count: number): Promise<void> => {
    for (let from = 0; from < count; from += 5000) {
      await client((redis_) => {
        const pipeline = redis_.pipeline();
        for (let n = from; n < Math.min(count, from + 5000); n += 1) pipeline.set(`tenant:acme:app:k${n}`, '"old"');
        return pipeline.exec();
      });
    }
  };
  /** What was to be eventual has been done. */
  const carriedOut = async (): Promise<void> => {
    while (api.app.get(Cache).pendingInvalidations > 0) await setTimeout(10);
  };
  const follow = async (server: TestApi, location: string, key = acme): Promise<Operation> => {
    for (;;) {
      const { body } = await request(server.server).get(location).set(key).expect(200);
      if (!['running', 'cancelling'].includes((body as Operation).state)) return body as Operation;
    }
  };

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    api = await testApi(places);
    other = await testApi(places);
    [acme, globex] = await Promise.all([api.keyOf('acme', ['cache']), api.keyOf('globex', ['cache'])]);
  });

  afterAll(async () => {
    await Promise.all([api.close(), other.close()]);
    await database.drop();
    await redis.kill();
  });

  beforeEach(async () => {
    await client((redis_) => redis_.flushdb());
  });

  afterEach(() => jest.restoreAllMocks());

  it('by keys counts what there was', async () => {
    await Promise.all([store('a'), store('b'), store('c')]);
    const { body } = await invalidate({ keys: ['app:a', 'tenant:acme:app:b', 'app:nothing'] }).expect(200);
    expect(body).toEqual({ deleted: 2, dry_run: false });
    expect([await isThere('a'), await isThere('b'), await isThere('c')]).toEqual([false, false, true]);
  });

  it('trap 7: never reaches another tenant’s entries', async () => {
    await Promise.all([store('k', { tags: ['t'], namespace: 'n' }), store('k', {}, DEFAULT_TENANT)]);
    const hash = keyspace.llmResponse.at({ hash: HASH }, 'acme');
    const sidecar = JSON.stringify([1, 'acme', 0, 0, 0, ['x'], '']);
    const llm = api.app.get(RedisRoles).link('llm');
    await llm.readAt(hash.key, (redis_) => redis_.mset({ [hash.key]: '{}', [`meta:{${hash.key}}`]: sidecar }));
    for (const selection of [
      { keys: ['app:k', 'tenant:acme:app:k', hash.key] },
      { tags: ['t'] },
      { namespace: 'n' },
      { family: 'app.value' },
      { pattern: 'app:*' },
    ]) {
      const { body } = await invalidate(selection, globex).expect(200);
      expect((body as { deleted: number | null }).deleted ?? 0).toBe(0);
    }
    expect([await isThere('k'), await isThere('k', DEFAULT_TENANT)]).toEqual([true, true]);
    expect(await llm.readAt(hash.key, (redis_) => redis_.exists(hash.key))).toBe(1);
    expect((await invalidate({ keys: [hash.key] }).expect(200)).body).toMatchObject({ deleted: 1 });
  });

  it('by tags, namespace and family is one step, and counts nothing', async () => {
    for (const selection of [{ tags: ['t', 'u'] }, { namespace: 'n' }, { family: 'app.value' }]) {
      await store('k', { tags: ['u'], namespace: 'n' });
      expect((await invalidate({ ...selection, dry_run: true }).expect(200)).body).toEqual({
        deleted: null,
        dry_run: true,
      });
      expect(await isThere('k')).toBe(true);
      expect((await invalidate(selection).expect(200)).body).toEqual({ deleted: null, dry_run: false });
      expect(await isThere('k')).toBe(false);
    }
  });

  it.each<[string, object]>([
    ['keys', { keys: ['app:k'] }],
    ['tags', { tags: ['t'] }],
    ['namespace', { namespace: 'n' }],
    ['family', { family: 'app.value' }],
    ['segments', { family: 'app.value', key: 'k' }],
  ])(
    'by %s is accepted when it may be eventual: read no more from then on, and carried out',
    async (_by, selection) => {
      await store('k', { tags: ['t'], namespace: 'n' });
      const dry = await invalidate({ ...selection, mode: 'eventual', dry_run: true }).expect(200);
      expect(dry.body).toMatchObject({ dry_run: true });
      expect(await isThere('k')).toBe(true);
      const { body, headers } = await invalidate({ ...selection, mode: 'eventual' }).expect(202);
      expect(body).toEqual({ operation: null, pending: true, deleted: null, dry_run: false });
      expect(headers).not.toHaveProperty('location');
      expect(await isThere('k')).toBe(false);
      await carriedOut();
      // Where it had been carried out by then, what was read last is kept.
      expect(await read('k')).toMatchObject({ value: 'new' });
    },
  );

  it('trap 7: tells nobody whether a key that may be eventual is another tenant’s', async () => {
    const hash = keyspace.llmResponse.at({ hash: HASH }, 'acme');
    const sidecar = JSON.stringify([1, 'acme', 0, 0, 0, ['x'], '']);
    const llm = api.app.get(RedisRoles).link('llm');
    await llm.readAt(hash.key, (redis_) => redis_.mset({ [hash.key]: '{}', [`meta:{${hash.key}}`]: sidecar }));
    const answers: unknown[] = [];
    for (const [key, left] of [
      [globex, 1],
      [acme, 0],
    ] as const) {
      answers.push((await invalidate({ keys: [hash.key], mode: 'eventual' }, key).expect(202)).body);
      await carriedOut();
      expect(await llm.readAt(hash.key, (redis_) => redis_.exists(hash.key))).toBe(left);
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it('by some segments of a family, or by pattern, says how many there were', async () => {
    await Promise.all([store('a-1'), store('a-2'), store('b')]);
    const dry = await invalidate({ pattern: 'app:a-*', dry_run: true }).expect(200);
    expect(dry.body).toMatchObject({ deleted: 2, dry_run: true });
    expect((dry.body as { sample: string[] }).sample.toSorted()).toEqual([
      'tenant:acme:app:a-1',
      'tenant:acme:app:a-2',
    ]);
    expect((await invalidate({ keys: ['app:a-1', 'app:x'], dry_run: true }).expect(200)).body).toMatchObject({
      deleted: 1,
    });
    expect((await invalidate({ pattern: 'app:a-*' }).expect(200)).body).toMatchObject({ deleted: 2 });
    expect((await invalidate({ family: 'app.value', key: 'b' }).expect(200)).body).toMatchObject({ deleted: 1 });
    expect((await invalidate({ family: 'mcp.server.status', server_name: 'weather' }).expect(200)).body).toMatchObject({
      deleted: 0,
    });
  });

  it('of many keys is followed from any process, by its own tenant', async () => {
    await fill(5000);
    const accepted = await invalidate({ pattern: 'app:*', mode: 'eventual' }).expect(202);
    expect(accepted.body).toMatchObject({ operation: expect.any(String), pending: false, deleted: null });
    const location = String(accepted.headers['location']);
    expect(location).toBe(`/v1/cache/operations/${(accepted.body as { operation: string }).operation}`);
    await request(other.server).get(location).set(globex).expect(404);
    // `DELETE /api/cache` wants the scope records and answers with operations. To follow one is not to stop it.
    const records = await api.keyOf('acme', ['records']);
    await request(other.server).get(location).set(records).expect(200);
    await request(other.server).delete(location).set(records).expect(403);
    await request(other.server)
      .get(location)
      .set(await api.keyOf('acme', ['llm']))
      .expect(403);
    expect(await follow(other, location)).toMatchObject({
      state: 'done',
      pattern: 'app:*',
      deleted: 5000,
      nodes: [{ node: '1', deleted: 5000 }],
      ended_at: expect.any(String),
    });
    await request(api.server).delete(location).set(acme).expect(200);
    await request(api.server).get('/v1/cache/operations/nothing').set(acme).expect(404);
  });

  it('can be stopped', async () => {
    const count = 20_000;
    await fill(count);
    // It waits before each step until it is told to stop, and then goes on so slowly that it hears of that before it has come to its end.
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    const run = link().run.bind(link());
    jest.spyOn(link(), 'run').mockImplementation(async (...of) => {
      await told;
      await setTimeout(250);
      return run(...of);
    });
    const { headers } = await invalidate({ pattern: 'app:*', mode: 'eventual' }).expect(202);
    const location = String(headers['location']);
    await request(other.server).delete(location).set(globex).expect(404);
    await request(other.server).delete(location).set(acme).expect(202);
    tell();
    const { state, deleted } = await follow(api, location);
    expect(state).toBe('cancelled');
    const left = Number(await client((redis_) => redis_.dbsize()));
    expect(left).toBeGreaterThan(0);
    expect(deleted).toBe(count - left);
  });

  it('of keys that belong to all tenants is for administrators', async () => {
    const refused = await invalidate({ pattern: 'llm_cache:*' }).expect(403);
    expect(refused.body).toMatchObject({ code: 'forbidden' });
    await invalidate({ pattern: 'llm_cache:*' }, { ...api.admin }).expect(200);
    const { body } = await request(api.server).get('/v1/audit').set(api.admin).expect(200);
    expect(JSON.stringify(body)).toContain('cache.invalidate');
  });

  it.each([
    [{}, 400, 'validation_failed'],
    [{ keys: ['app:x'], pattern: 'app:*' }, 400, 'validation_failed'],
    [{ pattern: '*' }, 422, 'pattern_refused'],
    [{ pattern: 'tenant:globex:app:*' }, 422, 'pattern_refused'],
    [{ family: 'app.valeu' }, 422, 'unknown_family'],
    [{ family: 'app.value', name: 'x' }, 422, 'unprocessable'],
  ])('refuses %j', async (body, status, code) => {
    const answer = await invalidate(body).expect(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ code });
  });

  it('trap 30: explains a key to its own tenant, and shows no value', async () => {
    await store('k', { tags: ['t'] });
    const explainKey = (key: string, as = acme) =>
      request(api.server).get('/v1/keyspace/explain').query({ key }).set(as);
    const { body, text } = await explainKey('app:k').expect(200);
    expect(body).toMatchObject({
      key: 'tenant:acme:app:k',
      family: 'app.value',
      tenant: 'acme',
      verdict: 'hit',
      type: 'string',
      entry: { fingerprint_agrees: true, versions: expect.arrayContaining([{ subject: 'tag:t', current: true }]) },
      link: null,
    });
    expect(text).not.toContain('old');
    await invalidate({ tags: ['t'] }).expect(200);
    expect((await explainKey('app:k').expect(200)).body).toMatchObject({
      verdict: 'miss',
      why: expect.stringMatching(/invalidated/),
    });
    expect((await explainKey('app:k', globex).expect(200)).body).toMatchObject({
      verdict: 'miss',
      type: null,
      entry: null,
    });
    await explainKey('tenant:acme:app:k', globex).expect(404);
    await explainKey('session:u1').expect(422);
    await explainKey('app:*').expect(422);
    await request(api.server).get('/v1/keyspace/explain').set(acme).expect(400);
    expect((await explainKey('app:k', { ...api.admin }).expect(200)).body).toMatchObject({ link: expect.any(String) });
  });

  it('wants the scope cache', async () => {
    const reader = await api.keyOf('acme', ['analytics']);
    await invalidate({ tags: ['t'] }, reader).expect(403);
    await request(api.server).post('/v1/cache/invalidate').send({}).expect(401);
  });

  it('trap 8: is accepted while Redis is away, and done before anything is read again', async () => {
    await Promise.all([store('k', { tags: ['t'] }), store('p')]);
    redis.freeze();
    for (const selection of [
      { keys: ['app:k'] },
      { tags: ['t'] },
      { namespace: 'n' },
      { family: 'app.value' },
      { pattern: 'app:p*' },
    ]) {
      const { body } = await invalidate(selection).expect(202);
      expect(body).toEqual({ operation: null, pending: true, deleted: null, dry_run: false });
    }
    const dry = await invalidate({ pattern: 'app:p*', dry_run: true }).expect(503);
    expect(dry.body).toMatchObject({ code: 'redis_unavailable' });
    redis.thaw();
    await link().untilUp(30_000);
    expect([await isThere('k'), await isThere('p')]).toEqual([false, false]);
  });
});
