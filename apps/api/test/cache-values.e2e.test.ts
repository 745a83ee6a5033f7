import { CacheAside, Cache, catalogue, keyspace, RedisRoles, type RedisLink, type Role } from '@promptsales/cache-core';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const HASH = 'c'.repeat(64);
const UUID = '0b7c3a52-6f2e-4b0e-9d0a-3f7c5a1f9a10';
type Redis = Parameters<Parameters<RedisLink['readAt']>[1]>[0];

const JSON_TYPE = 'application/json';

describe('values by key over HTTP', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;
  let acme: Record<string, string>;
  let globex: Record<string, string>;

  const path = (key: string) => `/v1/cache/${encodeURIComponent(key)}`;
  const get = (key: string, as = acme, on = api) => request(on.server).get(path(key)).set(as);
  const put = (key: string, value: unknown, as = acme, query = {}, on = api) =>
    request(on.server).put(path(key)).query(query).set(as).type(JSON_TYPE).send(JSON.stringify(value));
  const remove = (key: string, as = acme) => request(api.server).delete(path(key)).set(as);
  const client = <T>(role: Role, command: (redis_: Redis) => Promise<T>): Promise<T> =>
    api.app.get(RedisRoles).link(role).readAt('x', command);

  beforeAll(async () => {
    redis = await startRedis();
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    api = await testApi(places);
    other = await testApi(places);
    const scopes = [
      'cache',
      'llm',
      'mcp',
      'proxy',
      'records',
      'sessions',
      'limits',
      'analytics',
      'etl',
      'jobs',
      'temp',
    ];
    [acme, globex] = await Promise.all([api.keyOf('acme', scopes), api.keyOf('globex', scopes)]);
  });

  afterAll(async () => {
    await Promise.all([api.close(), other.close()]);
    await database.drop();
    await redis.kill();
  });

  beforeEach(async () => {
    await client('cache', (redis_) => redis_.flushall());
  });

  it('come back as they were put, in every shape, also by another process', async () => {
    const shapes: [string, unknown][] = [
      ['app:k', { any: ['thing', 1, null, false, '', 0.5] }],
      ['app:nothing', null],
      ['app:zero', 0],
      ['app:empty', ''],
      [
        `content:by_id:c1`,
        {
          campana_id: 'a',
          cliente_id: 'b',
          descripcion: 'd',
          hashtags: ['#x'],
          formato: 'png',
          aprobado: true,
          created_at: '2026-01-01T00:00:00Z',
        },
      ],
      [`content:search:c1:${HASH}`, { one: 0.5, '2': -1.25 }],
      [`ai:campaign_messages:c1:${HASH}`, [{ numero: 1, texto: 't', tono: 'x' }]],
      [`embedding:${HASH}`, [0.5, 0.1, 3]],
    ];
    for (const [key, value] of shapes) {
      const began = performance.now();
      await put(key, value).expect(200);
      for (const on of [api, other]) {
        const { body, headers, text } = await get(key, acme, on).expect(200);
        expect([key, body ?? JSON.parse(text)]).toEqual([key, value]);
        expect(headers).toMatchObject({ 'x-cache': 'HIT', 'cache-control': 'private, no-cache' });
        expect(headers['age']).toMatch(/^\d+$/);
        expect(Number(headers['age'])).toBeLessThanOrEqual(Math.ceil((performance.now() - began) / 1000));
      }
    }
    const plain: [string, unknown][] = [
      ['dashboard:metrics:m', { a: 1 }],
      ['metrics:content:c1', { total_contenido: 3, engagement_promedio: 0.25 }],
    ];
    for (const [key, value] of plain) {
      await put(key, value).expect(200);
      expect((await get(key, acme, other).expect(200)).body).toEqual(value);
    }
  });

  it('lie in Redis as the keyspace says, with the family’s time to live', async () => {
    await put('app:k', { a: 1 }, api.admin).expect(200, { key: 'app:k', family: 'app.value', ttl_seconds: 3600 });
    expect(await client('cache', (redis_) => redis_.get('app:k'))).toBe('{"a":1}');
    expect(await client('cache', (redis_) => redis_.ttl('app:k'))).toBeGreaterThan(3000);
    await put('app:k', 2, acme, { ttl: 60 }).expect(200, {
      key: 'tenant:acme:app:k',
      family: 'app.value',
      ttl_seconds: 60,
    });
    expect(await client('cache', (redis_) => redis_.ttl('tenant:acme:app:k'))).toBeLessThanOrEqual(60);
    await put('revenue:day:2026-01-31', 12.5, api.admin).expect(200);
    expect(await client('analytics', (redis_) => redis_.get('revenue:day:2026-01-31'))).toBe('12.5');
    await put('leaderboard:content:c1:engagement', { a: 2, b: 1.5 }, api.admin).expect(200);
    expect(await client('analytics', (redis_) => redis_.zrange('leaderboard:content:c1:engagement', 0, -1))).toEqual([
      'b',
      'a',
    ]);
    await put('queue:ai_generation:high', [{ campana_id: 1, segmento: 's' }], api.admin).expect(200, {
      key: 'queue:ai_generation:high',
      family: 'queue.ai_generation',
      ttl_seconds: null,
    });
    expect(await client('state', (redis_) => redis_.ttl('queue:ai_generation:high'))).toBe(-1);
  });

  it('are 304 for whoever has them already', async () => {
    await put('app:k', 'v').expect(200);
    const { etag } = (await get('app:k').expect(200)).headers;
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const { text } = await get('app:k').set('if-none-match', String(known)).expect(304);
      expect(text).toBe('');
    }
    await put('app:k', 'w').expect(200);
    await get('app:k').set('if-none-match', String(etag)).expect(200, '"w"');
    await request(api.server).head(path('app:k')).set(acme).expect(200);
  });

  it('are refused to conditional writers, and nothing is changed', async () => {
    await put('app:k', 1).expect(200);
    for (const [name, value] of [
      ['if-match', '*'],
      ['if-none-match', '*'],
    ] as const) {
      const { body } = await put('app:k', 2).set(name, value).expect(400);
      expect(body).toMatchObject({ code: 'bad_header', errors: [{ path: name }] });
      await remove('app:k').set(name, value).expect(400);
    }
    await get('app:k').expect(200, '1');
  });

  it('defeat loads that are under way, by PUT and by DELETE', async () => {
    const aside = new CacheAside(other.app.get(Cache), other.app.get(RedisRoles));
    const ref = keyspace.appValue.at({ key: 'k' }, 'acme');
    const during = async (act: () => Promise<unknown>): Promise<void> => {
      const loaded = await aside.getOrLoad(ref, async () => {
        await act();
        return 'old';
      });
      expect(await loaded.stored).not.toBe('stored');
    };
    await during(() => put('app:k', 'new').expect(200));
    await get('app:k').expect(200, '"new"');
    await remove('app:k').expect(204);
    await during(() => remove('app:k').expect(204));
    await get('app:k').expect(404);
  });

  it('can be invalidated by the tags and the namespace that they were put with', async () => {
    const invalidate = (body: object) =>
      request(api.server).post('/v1/cache/invalidate').set(acme).send(body).expect(200);
    await put('app:a', 1).set({ 'x-cache-tags': 'x, y' }).expect(200);
    await put('app:b', 1).set({ 'x-cache-namespace': 'n' }).expect(200);
    await invalidate({ tags: ['y'] });
    await get('app:a').expect(404);
    await get('app:b').expect(200);
    await invalidate({ namespace: 'n' });
    await get('app:b').expect(404);
    await put('dashboard:metrics:m', 1).set({ 'x-cache-tags': 'x' }).expect(422);
    const { body } = await put('app:a', 1).set({ 'x-cache-ttl': 'soon' }).expect(400);
    expect(body).toMatchObject({ code: 'bad_header', errors: [{ path: 'x-cache-ttl' }] });
  });

  it('trap 7: are of one tenant', async () => {
    await put('app:k', 'of acme').expect(200);
    await get('app:k', globex).expect(404);
    await get('tenant:acme:app:k', globex).expect(404);
    await put('tenant:acme:app:k', 'mine', globex).expect(404);
    await remove('tenant:acme:app:k', globex).expect(404);
    await remove('app:k', globex).expect(204);
    await get('tenant:acme:app:k').expect(200, '"of acme"');
    const byHash = `ai:generation:m:${HASH}`;
    await put(byHash, { content: 'c', tokens_used: 1, cost_usd: null, timestamp: 1 }).expect(200);
    await get(byHash, globex).expect(404);
    await put(byHash, { content: 'evil', tokens_used: 1, cost_usd: null, timestamp: 1 }, globex).expect(404);
    await remove(byHash, globex).expect(204);
    expect((await get(byHash).expect(200)).body).toMatchObject({ content: 'c' });
  });

  it('are read and written with the scopes of their families, and some by nobody', async () => {
    const onlyCache = await api.keyOf('acme', ['cache']);
    const withoutCache = await api.keyOf('acme', ['records']);
    await put('app:k', 1, onlyCache).expect(200);
    await get('app:k', withoutCache).expect(403);
    await get(`lead:${UUID}`, onlyCache).expect(403);
    await get(`lead:${UUID}`).expect(404);
    await put('rate_limit:u1:hour', 5).expect(403);
    await put('rate_limit:u1:hour', 5, api.admin).expect(200);
    expect((await get('rate_limit:u1:hour', api.admin).expect(200)).body).toBe(5);
    await remove('rate_limit:u1:hour', api.admin).expect(204);
    await get('rate_limit:u1:hour', api.admin).expect(404);
    const never = [
      'session:u1',
      `user:session:${HASH}`,
      `blacklist:${HASH}`,
      'lock:l',
      'lock:content_generation:c',
      'config:github',
      'circuit:breaker:s',
    ];
    for (const key of never) {
      const { body } = await put(key, {}, api.admin).expect(403);
      expect(body).toMatchObject({ code: 'forbidden', detail: expect.stringMatching(/cannot be written here\. \w/) });
    }
    for (const key of ['session:u1', `blacklist:${HASH}`, 'lock:l']) await remove(key, api.admin).expect(403);
    const record = { id: UUID, empresa: 'Acme', contacto: 'Ana', estado: 'nuevo' };
    await put(`lead:${UUID}`, record, await api.keyOf('acme', ['cache', 'records'])).expect(403);
    await put(`lead:${UUID}`, record, api.admin).expect(200);
    await remove(`lead:${UUID}`, api.admin).expect(204);
    const { body: audit } = await request(api.server).get('/v1/audit').set(api.admin).expect(200);
    expect(JSON.stringify(audit)).toContain('key:rate_limit:u1:hour');
  });

  it('trap 30: of families with secrets are shown to nobody', async () => {
    await client('cache', (redis_) => redis_.set('config:github', '{"token":"ghp_sentinel"}'));
    const { text } = await get('config:github', api.admin).expect(403);
    expect(text).not.toContain('ghp_sentinel');
    expect(api.logged()).not.toContain('ghp_sentinel');
  });

  it('trap 12: of hostile keys are other keys, or refused with what a key looks like', async () => {
    const hostile = [
      'app:../../x',
      'app:__proto__',
      'app:constructor',
      'app:%00',
      'app:%3A%2A',
      `app:%~${HASH}`,
      'app:é/ü',
    ];
    for (const [n, key] of hostile.entries()) await put(key, n).expect(200);
    for (const [n, key] of hostile.entries()) await get(key).expect(200, String(n));
    const refused = [
      'app:*',
      'app:a:b',
      'app:a b',
      'app:{a}',
      'app:%zz',
      'app:\u0000',
      'nothing',
      'meta:x',
      'version:tag:acme:t',
      'lead:x',
      `lead:${UUID.toUpperCase()}`,
    ];
    for (const key of refused) {
      const { body } = await put(key, 1).expect(422);
      expect(body).toMatchObject({ code: 'unknown_family', errors: [{ path: 'key' }] });
      await get(key).expect(422);
    }
    await put(`app:${'x'.repeat(2000)}`, 1).expect(414);
    await put('app:k', 1).type(JSON_TYPE).send('{"__proto__": {"a": 1}}').expect(400);
    expect((await request(api.server).put(path('app:k')).set(acme).expect(400)).body).toMatchObject({
      code: 'validation_failed',
    });
  });

  it('are refused when they are none of the family, with the place, and nothing is written', async () => {
    const refused: [string, string][] = [
      [`ai:generation:m:${HASH}`, '{"content": 1, "tokens_used": 1, "cost_usd": 0, "timestamp": 1}'],
      ['content:by_id:c', '{"campana_id": "a"}'],
      ['content:by_id:c', '[]'],
      [`content:search:c:${HASH}`, '["a"]'],
      [`content:search:c:${HASH}`, '{"a": "1"}'],
      [`ai:campaign_messages:c:${HASH}`, '{"numero": 1}'],
      [`ai:campaign_messages:c:${HASH}`, '[{"numero": 1.5, "texto": "t", "tono": "x"}]'],
      ['app:k', '12345678901234567890'],
      ['app:k', '{"a": 1, "a": 2}'],
      ['app:k', String.raw`"\ud800"`],
    ];
    for (const [key, text] of refused) {
      const { body } = await request(api.server).put(path(key)).set(acme).type(JSON_TYPE).send(text).expect(422);
      expect([key, text, (body as { code: string }).code]).toEqual([key, text, 'value_refused']);
      await get(key).expect(404);
    }
    const { body } = await put('metrics:content:c', { total_contenido: 'three', x: 1 }).expect(422);
    expect(body).toMatchObject({
      code: 'value_refused',
      errors: expect.arrayContaining([{ path: '/total_contenido', message: expect.any(String) }]),
    });
    await put('queue:ai_generation:low', [], api.admin).expect(422);
    await put('rate_limit:u:day', -1, api.admin).expect(422);
    for (const text of ['', '{', 'nul']) {
      const asked = request(api.server).put(path('app:k')).set(acme).type(JSON_TYPE);
      await asked.send(text).expect(400);
    }
    await request(api.server).put(path('app:k')).set(acme).type('text/plain').send('v').expect(415);
  });

  it('take a time to live within their family’s bounds', async () => {
    for (const ttl of ['0', '31536001', '999999999']) {
      const { body } = await put('app:k', 1, acme, { ttl }).expect(422);
      expect(body).toMatchObject({ code: 'ttl_out_of_range', errors: [{ path: 'ttl' }] });
    }
    for (const ttl of ['1.5', '-1', 'soon', '', '1e3']) await put('app:k', 1, acme, { ttl }).expect(400);
    await put('rate_limit:u:day', 1, api.admin, { ttl: 60 }).expect(422);
    await put('queue:ai_generation:low', [{ campana_id: 1, segmento: 1 }], api.admin, { ttl: 60 }).expect(422);
    await put('rate:u:a:1', 1, api.admin).expect(422);
    await put('rate:u:a:1', 1, api.admin, { ttl: 60 }).expect(200);
  });

  it('trap 10: of another type are named as such, and a PUT puts things right', async () => {
    await client('cache', (redis_) => redis_.rpush('app:k', 'x'));
    await client('analytics', (redis_) => redis_.set('metrics:content:c', 'x'));
    await client('ratelimit', (redis_) => redis_.set('rate_limit:u:hour', 'many'));
    for (const key of ['app:k', 'metrics:content:c', 'rate_limit:u:hour']) {
      const { body } = await get(key, api.admin).expect(409);
      expect(body).toMatchObject({ code: 'wrong_type' });
    }
    await put('app:k', 1, api.admin).expect(200);
    await get('app:k', api.admin).expect(200, '1');
    // Of a family without other writers, what others have written is not served.
    await client('cache', (redis_) => redis_.set('github_repos:u', '[]'));
    expect((await get('github_repos:u', api.admin).expect(404)).body).toMatchObject({
      detail: expect.stringContaining('explain'),
    });
    await client('cache', (redis_) => redis_.set('app:theirs', '{"by": "others"}'));
    expect((await get('app:theirs', api.admin).expect(200)).body).toEqual({ by: 'others' });
  });

  it('trap 8: while Redis is away are 503, and a DELETE is kept', async () => {
    await put('app:k', 1).expect(200);
    const aside = new CacheAside(api.app.get(Cache), api.app.get(RedisRoles));
    const ref = keyspace.appValue.at({ key: 'k' }, 'acme');
    let warm = aside.warm(ref);
    for (; warm === undefined; warm = aside.warm(ref)) await aside.getOrLoad(ref, async () => 'no load is needed');
    redis.freeze();
    // Not from its own memory, which may be behind what another process has acknowledged.
    expect(warm.value).toBe(1);
    expect((await get('app:k').expect(503)).headers['retry-after']).toBe('1');
    expect((await put('app:k', 2).expect(503)).body).toMatchObject({ code: 'redis_unavailable' });
    await get('rate_limit:u:hour').expect(503);
    await remove('app:k').expect(202, { pending: true });
    redis.thaw();
    await api.app.get(RedisRoles).link('cache').untilUp(30_000);
    await get('app:k').expect(404);
  });

  it('have families that everybody with a key may see', async () => {
    const reader = await api.keyOf('acme', ['analytics']);
    const { body } = await request(api.server).get('/v1/keyspace/families').set(reader).expect(200);
    const { families } = body as { families: { id: string }[] };
    expect(families.map(({ id }) => id)).toEqual(catalogue.families.map(({ id }) => id));
    expect(families).toContainEqual(
      expect.objectContaining({
        id: 'app.value',
        pattern: 'app:{key}',
        type: 'string',
        ttl_seconds: 3600,
        role: 'cache',
        access: { read: 'cache', write: 'cache', remove: 'cache' },
      }),
    );
    expect(families).toContainEqual(expect.objectContaining({ id: 'queue.ai_generation', ttl_seconds: null }));
    await request(api.server).get('/v1/keyspace/families').expect(401);
  });
});
