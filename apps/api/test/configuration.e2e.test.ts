import { Cache, encodeValue, keyspace, RedisRoles } from '@promptsales/cache-core';
import { ClientConfigurations } from '@promptsales/configuration';
import { Database } from '@promptsales/database';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { randomBytes } from 'node:crypto';
import request, { type Response } from 'supertest';
import { SECRETS, testApi, type TestApi } from './test-api.js';

const TOKEN = 'ghp_sentinel0123456789abcdef123';
type Headers = Record<string, string>;

describe('configuration', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;
  let records: Headers;
  let acme: Headers;
  /** What an operator sees who says `redis-cli`: database 0. */
  let zero: RedisRoles;

  const tables = () =>
    api.app.get(Database).as<Record<'configurations' | 'client_configurations' | 'audit_log', { tenant: string }>>();
  const keyOf = async (tenant: string, scopes: string[]): Promise<Headers> => {
    const { body } = await request(api.server)
      .post('/v1/keys')
      .set(api.admin)
      .send({ name: `${tenant} ${scopes.join()}`, tenant, scopes })
      .expect(201);
    return { 'x-api-key': (body as { key: string }).key };
  };
  const cli = <T>(command: Parameters<ReturnType<RedisRoles['link']>['readAt']>[1]): Promise<T> =>
    zero.link('cache').readAt('x', command) as Promise<T>;
  const raw = async (key: string): Promise<Record<string, unknown> | null> => {
    const text = await cli<string | null>((redis_) => redis_.get(key));
    return text === null ? null : (JSON.parse(text) as Record<string, unknown>);
  };
  const get = (path: string, key: Headers = records, on = api) => request(on.server).get(path).set(key);
  const post = (path: string, body: object | string, key: Headers = records, on = api) =>
    request(on.server).post(path).set(key).type('application/json').send(body);
  const remove = (path: string, key: Headers = records) => request(api.server).delete(path).set(key);
  const put = (path: string, body: object, key: Headers = records) => request(api.server).put(path).set(key).send(body);
  const pathsOf = ({ body }: Response): string[] =>
    ((body as { errors?: { path: string }[] }).errors ?? []).map(({ path }) => path);

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url, REDIS_DB_CACHE: '0' };
    [api, other] = [await testApi(places), await testApi(places)];
    [records, acme] = [await keyOf('default', ['records']), await keyOf('acme', ['records'])];
    zero = new RedisRoles({ url: redis.url, layout: 'single' }).open();
    await zero.link('cache').untilUp(5000);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([api.close(), other.close(), zero.close()]);
    await database.drop();
    await redis.kill();
  });

  beforeEach(async () => {
    await cli((redis_) => redis_.flushdb());
    await tables().deleteFrom('configurations').execute();
    await tables().deleteFrom('client_configurations').execute();
  });

  describe('providers', () => {
    const github = { base_url: 'https://api.github.com', token: TOKEN, user: 'octocat', rate_limit: '500/minuto' };

    it('are stored, shown with masked secrets, listed, refreshed and removed', async () => {
      const created = await post('/api/providers/github', github).expect(201);
      expect(created.body).toEqual({
        ...github,
        token: 'ghp_…123',
        config_key: 'github',
        updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
      });
      const shown = await get('/api/providers/github').expect(200);
      expect(shown.body).toEqual(created.body);
      expect(shown.headers).toMatchObject({ 'x-cache': 'HIT', etag: created.headers['etag'] });
      await post('/api/providers/aws', { user: 'x' }).expect(201);
      const page = await get('/api/providers?limit=1').expect(200);
      expect(page.body).toMatchObject({ providers: [{ config_key: 'aws' }] });
      const { next_cursor: cursor } = page.body as { next_cursor: string };
      const last = await get(`/api/providers?limit=1&cursor=${cursor}`).expect(200);
      expect(last.body).toMatchObject({ providers: [{ config_key: 'github', token: 'ghp_…123' }], next_cursor: null });
      await cli((redis_) => redis_.flushdb());
      expect((await post('/api/providers/github/refresh', {}).expect(200)).body).toEqual(created.body);
      expect((await get('/api/providers/github').expect(200)).headers['x-cache']).toBe('HIT');
      await remove('/api/providers/github').expect(204);
      await get('/api/providers/github').expect(404);
      await remove('/api/providers/github').expect(404);
      await post('/api/providers/github/refresh', {}).expect(404);
      expect(await cli((redis_) => redis_.exists('config:github', 'config:api:github'))).toBe(0);
    });

    it('are what redis-cli shows: types, fields, TTLs, and no secret', async () => {
      await post('/api/providers/github', github).expect(201);
      expect(await cli((redis_) => redis_.type('config:github'))).toBe('string');
      expect(await raw('config:github')).toMatchObject({ base_url: github.base_url, user: 'octocat' });
      expect(await cli((redis_) => redis_.get('config:github'))).not.toContain('sentinel');
      expect(await cli((redis_) => redis_.ttl('config:github'))).toBeGreaterThan(290);
      expect(await cli((redis_) => redis_.ttl('config:github'))).toBeLessThanOrEqual(300);
      expect(await cli((redis_) => redis_.type('config:api:github'))).toBe('hash');
      expect(await cli((redis_) => redis_.hgetall('config:api:github'))).toEqual({
        status: 'active',
        rate_limit: '500/minuto',
        endpoints: '{"base_url":"https://api.github.com"}',
        last_updated: expect.stringMatching(/Z$/),
      });
      expect(await cli((redis_) => redis_.ttl('config:api:github'))).toBeGreaterThan(3590);
    });

    it('keep their secret when its mask is sent back, and say where a mask stands for nothing', async () => {
      const nested = {
        ...github,
        accounts: [
          { name: 'a', api_key: `${TOKEN}-a` },
          { name: 'b', api_key: `${TOKEN}-b` },
        ],
      };
      const { body } = await post('/api/providers/github', nested).expect(201);
      const sealedBefore = (await raw('config:github'))?.['token'];
      await post('/api/providers/github', { ...(body as object), user: 'hubot' }).expect(200);
      const { body: again } = await get('/api/providers/github').expect(200);
      expect(again).toMatchObject({
        token: 'ghp_…123',
        user: 'hubot',
        accounts: [{ api_key: 'ghp_…3-a' }, { api_key: 'ghp_…3-b' }],
      });
      expect(typeof sealedBefore).toBe('string');
      const bad = { ...(body as object), token: 'ghp_…999', more: { password: '…' } };
      const refused = await post('/api/providers/github', bad).expect(422);
      expect(refused.body).toMatchObject({ code: 'secret_mask' });
      expect(pathsOf(refused)).toEqual(['token', 'more.password']);
      expect((await get('/api/providers/github').expect(200)).body).toEqual(again);
      expect(pathsOf(await post('/api/providers/new', { token: 'ghp_…123' }).expect(422))).toEqual(['token']);
      await get('/api/providers/new').expect(404);
    });

    it('are changed by one of two writers who suppose the same', async () => {
      const { headers } = await post('/api/providers/github', github).expect(201);
      const tag = headers['etag'] as string;
      const writes = [1, 2].map((user) =>
        post(
          '/api/providers/github',
          { ...github, user: `${user}` },
          { ...records, 'if-match': tag },
          user === 1 ? api : other,
        ),
      );
      const statuses = (await Promise.all(writes)).map(({ status }) => status);
      expect(statuses.toSorted((one, two) => one - two)).toEqual([200, 412]);
      await post('/api/providers/github', github, { ...records, 'if-none-match': '*' }).expect(412);
      await post('/api/providers/gitlab', github, { ...records, 'if-none-match': '*' }).expect(201);
      await post('/api/providers/nothing', github, { ...records, 'if-match': '*' }).expect(412);
      await request(api.server)
        .delete('/api/providers/github')
        .set({ ...records, 'if-match': tag })
        .expect(412);
    });

    it('of another type or of other names are refused, with the place', async () => {
      await post('/api/configurations/smtp', { value: { host: 'x' }, type: 'system' }).expect(201);
      await post('/api/providers/smtp', github).expect(409);
      await get('/api/providers/smtp').expect(404);
      await post('/api/configurations/smtp', { value: {}, type: 'provider' }).expect(409);
      for (const [body, paths] of [
        [{ base_url: 'ftp://x' }, ['base_url']],
        [{ base_url: 'https://user:secret@host' }, ['base_url']],
        [{ models: 'gpt-4o', token: 5 }, ['token', 'models']],
        [{ price_overrides: { m: { input: '-1' } } }, ['price_overrides.m.input']],
        [{ config_key: 'gitlab' }, ['config_key']],
        [{ _config: {} }, ['_config']],
      ] as const) {
        expect([body, pathsOf(await post('/api/providers/github', body).expect(422))]).toEqual([body, paths]);
      }
      for (const body of ['[1]', '"text"', '7', 'null', '']) await post('/api/providers/github', body).expect(400);
      await get('/api/providers/github').expect(404);
    });
  });

  it('of systems is any object, with a type', async () => {
    const value = { host: 'mail.example', password: 'correct horse battery', retries: [1, 2], nothing: null };
    const created = await post('/api/configurations/smtp', { value, type: 'system' }).expect(201);
    expect(created.body).toEqual({
      key: 'smtp',
      type: 'system',
      value: { ...value, password: 'corr…ery' },
      updated_at: expect.any(String),
    });
    expect((await get('/api/configurations/smtp').expect(200)).body).toEqual(created.body);
    await post('/api/configurations/smtp', { value: (created.body as { value: object }).value, type: 'system' }).expect(
      200,
    );
    await post('/api/providers/github', { token: TOKEN }).expect(201);
    expect((await get('/api/configurations/github').expect(200)).body).toMatchObject({
      type: 'provider',
      value: { token: 'ghp_…123' },
    });
    for (const body of [
      { value: [], type: 'system' },
      { value: {}, type: 'other' },
      { type: 'system' },
      { value: {}, type: 'system', x: 1 },
    ]) {
      await post('/api/configurations/bad', body).expect(400);
    }
    await get('/api/configurations/bad').expect(404);
  });

  it('of clients is what redis-cli shows, and is validated', async () => {
    const crm = {
      tools_acceso: ['generateImage'],
      rate_limit: '500/minuto',
      max_requests_hora: 1000,
      estado: 'activo',
    };
    await get('/v1/clients/crm/config').expect(404);
    const created = await put('/v1/clients/crm/config', crm).expect(201);
    expect(created.body).toEqual(crm);
    expect(await cli((redis_) => redis_.hgetall('config:client:crm'))).toEqual({
      tools_acceso: '["generateImage"]',
      rate_limit: '500/minuto',
      max_requests_hora: '1000',
      estado: 'activo',
    });
    expect(await cli((redis_) => redis_.ttl('config:client:crm'))).toBeGreaterThan(3590);
    const shown = await get('/v1/clients/crm/config', records, other).expect(200);
    expect([shown.body, shown.headers['x-cache'], shown.headers['etag']]).toEqual([
      crm,
      'HIT',
      created.headers['etag'],
    ]);
    const clients = other.app.get(ClientConfigurations);
    expect(await clients.permissions('crm', 'default')).toEqual({
      tools: ['generateImage'],
      rate: { requests: 500, windowSeconds: 60 },
      maxRequestsPerHour: 1000,
      active: true,
    });
    expect(await clients.permissions('crm', 'acme')).toBeNull();
    await put('/v1/clients/crm/config', { ...crm, estado: 'suspendido' }).expect(200);
    expect(await clients.permissions('crm', 'default')).toMatchObject({ active: false });
    expect((await get('/v1/clients/crm/config', records, other).expect(200)).body).toMatchObject({
      estado: 'suspendido',
    });
    await put('/v1/clients/crm/config', crm, { ...records, 'if-match': '"old"' }).expect(412);
    for (const [change, path] of [
      [{ rate_limit: 'rápido' }, 'rate_limit'],
      [{ rate_limit: '5/siglo' }, 'rate_limit'],
      [{ max_requests_hora: -1 }, 'max_requests_hora'],
      [{ tools_acceso: [7] }, 'tools_acceso'],
      [{ estado: '' }, 'estado'],
      [{ unknown: 1 }, 'unknown'],
    ] as const) {
      expect(pathsOf(await put('/v1/clients/crm/config', { ...crm, ...change }).expect(400))).toEqual([path]);
    }
  });

  describe('its copies in Redis', () => {
    it('are counted over their own family, names without the prefix', async () => {
      await post('/api/providers/github', { token: TOKEN }).expect(201);
      await post('/api/configurations/a:b*', { value: {}, type: 'system' }).expect(201);
      await put('/v1/clients/crm/config', {
        tools_acceso: [],
        rate_limit: '1/h',
        max_requests_hora: 1,
        estado: 'activo',
      });
      await post('/api/providers/github', { token: TOKEN }, acme).expect(201);
      await cli((redis_) => redis_.mset({ 'configuration:x': '{}', 'app:config': '1', 'config:api:x': '{}' }));
      expect((await get('/api/cache/stats').expect(200)).body).toEqual({
        success: true,
        total_cached_configs: 2,
        cached_keys: ['a:b*', 'github'],
        complete: true,
        redis_info: { connected: true, ttl_seconds: 300 },
      });
      expect((await get('/api/cache/stats', acme).expect(200)).body).toMatchObject({ cached_keys: ['github'] });
    });

    it('are tested by a value that others find', async () => {
      expect((await get('/api/cache/test').expect(200)).body).toMatchObject({
        success: true,
        connected: true,
        error: null,
      });
      expect(await raw('test:connection')).toMatchObject({ success: true });
      expect(await cli((redis_) => redis_.ttl('test:connection'))).toBeGreaterThan(50);
    });

    it('are dropped one by one', async () => {
      await post('/api/providers/github', { token: TOKEN }).expect(201);
      await post('/api/providers/gitlab', { token: TOKEN }).expect(201);
      await remove('/api/cache/github').expect(204);
      expect(await cli((redis_) => redis_.exists('config:github'))).toBe(0);
      expect(await cli((redis_) => redis_.exists('config:gitlab'))).toBe(1);
      expect((await get('/api/providers/github').expect(200)).headers['x-cache']).toBe('MISS');
      expect(await cli((redis_) => redis_.exists('config:github'))).toBe(1);
    });

    it('trap 3: DELETE /api/cache clears the three families, github_repos and test:connection, and nothing else', async () => {
      await post('/api/providers/github', { token: TOKEN }).expect(201);
      await put('/v1/clients/crm/config', {
        tools_acceso: [],
        rate_limit: '1/h',
        max_requests_hora: 1,
        estado: 'activo',
      });
      await get('/api/cache/test').expect(200);
      const repos = keyspace.githubRepos.at({ user: 'octocat' });
      await api.app.get(Cache).put({ ref: repos }, { stored: encodeValue(keyspace.githubRepos, []) });
      // Written by others, without anything of ours beside them.
      await cli((redis_) => redis_.mset({ 'config:legacy': '{}', 'github_repos:other': '[]' }));
      const neighbours = [
        'configuration:x',
        'config',
        'app:config',
        'lead:x',
        'xconfig:y',
        'github_repos',
        'test:other',
      ];
      await cli((redis_) => redis_.mset(Object.fromEntries(neighbours.map((key) => [key, '1']))));
      await post('/api/providers/github', { token: TOKEN }, acme).expect(201);
      await remove('/api/cache').expect(204);
      const left = await cli<string[]>((redis_) => redis_.keys('*'));
      const acmes = ['tenant:acme:config:github', 'tenant:acme:config:api:github'];
      expect(left.filter((key) => !/^(meta|version|lease|change)/.test(key)).toSorted()).toEqual(
        [...neighbours, ...acmes, ...left.filter((key) => key.startsWith('cache_operation'))].toSorted(),
      );
      expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ token: 'ghp_…123' });
      expect((await get('/api/cache/stats').expect(200)).body).toMatchObject({ cached_keys: ['github'] });
    });
  });

  it('trap 7: is a tenant’s own, and what serves all tenants only administrators change', async () => {
    await post('/api/providers/github', { token: TOKEN, user: 'default' }).expect(201);
    await get('/api/providers/github', acme).expect(404);
    await get('/api/configurations/github', acme).expect(404);
    expect((await get('/api/providers', acme).expect(200)).body).toEqual({ providers: [], next_cursor: null });
    await remove('/api/providers/github', acme).expect(404);
    await post('/api/providers/github', { user: 'acme' }, acme).expect(201);
    await remove('/api/cache', acme).expect(204);
    expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'default' });
    await post('/api/providers/openai', { base_url: 'http://127.0.0.1:9/v1' }, api.admin).expect(201);
    await post('/api/providers/openai', { base_url: 'http://evil.example' }).expect(403);
    await post('/api/configurations/openai', { value: {}, type: 'provider' }).expect(403);
    await remove('/api/providers/openai').expect(403);
    await remove('/api/providers/openai', api.admin).expect(204);
    const stranger = await keyOf('default', ['llm', 'cache', 'analytics']);
    for (const path of ['/api/providers', '/api/configurations/github', '/api/cache/stats', '/v1/clients/crm/config']) {
      await get(path, stranger).expect(403);
      await get(path, {}).expect(401);
    }
  });

  it('trap 12: hostile names stay in their family and hostile values change nothing', async () => {
    const names = [
      'api:x',
      '*',
      '..%2F..',
      '{a}',
      'a%3Ab',
      '__proto__',
      'constructor',
      '%F0%9F%98%80',
      'client',
      '[a-z]',
      'a%20b',
    ];
    for (const name of names) {
      await post(`/api/providers/${name}`, { user: name, token: TOKEN }).expect(201);
      expect((await get(`/api/providers/${name}`).expect(200)).body).toMatchObject({ user: name, token: 'ghp_…123' });
    }
    expect((await get('/api/cache/stats').expect(200)).body).toMatchObject({ total_cached_configs: names.length });
    await remove('/api/cache/*').expect(204);
    expect((await get('/api/cache/stats').expect(200)).body).toMatchObject({ total_cached_configs: names.length - 1 });
    for (const name of ['%00', 'a%0Ab', '%20a', 'x'.repeat(201)]) {
      for (const answer of [
        await post(`/api/providers/${name}`, {}),
        await get(`/api/providers/${name}`),
        await get(`/api/configurations/${name}`),
        await get(`/v1/clients/${name}/config`),
        await remove(`/api/cache/${name}`),
        await remove(`/api/providers/${name}`),
        await post(`/api/providers/${name}/refresh`, {}),
      ]) {
        expect([name, answer.status]).toEqual([name, 422]);
      }
    }
    await post('/api/providers/odd', '{"__proto__": {"x": 1}}').expect(400);
    const odd = String.raw`{"nul": "a\u0000b", "lone": "\ud800", "token": "\u0000\u0000\u0000\u0000aaaaaaaaaaaa"}`;
    await post('/api/providers/odd', odd).expect(201);
    expect(
      (await get('/api/providers/odd', { ...records, 'cache-control': 'no-cache' }).expect(200)).body,
    ).toMatchObject({
      nul: 'a\0b',
      token: '\0\0\0\0…aaa',
    });
    await post('/api/providers/odd', { note: 'x'.repeat(300_000) }).expect(422);
    await get('/api/providers?cursor=x').expect(400);
  });

  it('trap 30: no secret is found in an answer, a log, Redis, PostgreSQL or the audit log', async () => {
    const secrets = {
      token: TOKEN,
      db: 'postgres://app:sentinel-url@db/x',
      list: [{ client_secret: 'sentinel-nested-secret' }],
    };
    const answers = [
      await post('/api/providers/leak', secrets).expect(201),
      await get('/api/providers/leak'),
      await get('/api/providers'),
      await get('/api/configurations/leak'),
      await post('/api/providers/leak/refresh', {}),
      await post('/api/providers/leak', { ...secrets, base_url: 'nonsense' }).expect(422),
      await post('/api/configurations/leak', { value: secrets, type: 'system' }).expect(409),
      await get('/v1/audit', api.admin),
      await get('/metrics', api.admin),
      await get('/v1/keyspace/explain?key=config:leak', api.admin),
    ];
    const rows = [
      await tables().selectFrom('configurations').selectAll().execute(),
      await tables().selectFrom('audit_log').selectAll().execute(),
    ];
    const inRedis = await cli<string | null>((redis_) => redis_.get('config:leak'));
    const places = [...answers.map(({ text }) => text), JSON.stringify(rows), String(inRedis), api.logged()];
    for (const place of places) expect(place).not.toContain('sentinel');
    expect(JSON.stringify(answers.map(({ body }) => body as object))).toContain('configuration.create');
  });

  it('believes no copy that is not its own, whatever lies there', async () => {
    await post('/api/providers/github', { user: 'octocat' }).expect(201);
    const ref = keyspace.configKey.at({ key: 'github' });
    for (const foreign of [{}, { user: 'x', _config: 7 }, { user: 'x', _config: { type: 'provider' } }]) {
      await api.app.get(Cache).put({ ref }, { stored: encodeValue(keyspace.configKey, foreign) });
      expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'octocat' });
    }
    for (const text of ['not JSON', '{"user":"x"}', '[]']) {
      await cli((redis_) => redis_.set('config:github', text));
      expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'octocat' });
    }
    await cli((redis_) => redis_.multi().del('config:github').rpush('config:github', 'x').exec());
    expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'octocat' });
  });

  it('is read with the old key after a rotation, and needs it no more once it was sent back', async () => {
    await post('/api/providers/github', { token: TOKEN }).expect(201);
    const fresh = randomBytes(32).toString('base64');
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url, REDIS_DB_CACHE: '0' };
    const rotating = await testApi({ ...places, ENCRYPTION_KEY: `${fresh},${SECRETS.encryptionKey}` });
    const { body } = await get('/api/providers/github', records, rotating).expect(200);
    expect(body).toMatchObject({ token: 'ghp_…123' });
    await post('/api/providers/gitlab', { token: TOKEN }, records).expect(201);
    await post('/api/providers/github', body as object, records, rotating).expect(200);
    await rotating.close();
    const rotated = await testApi({ ...places, ENCRYPTION_KEY: fresh });
    expect((await get('/api/providers/github', records, rotated).expect(200)).body).toMatchObject({
      token: 'ghp_…123',
    });
    const { body: closed } = await get('/api/providers/gitlab', records, rotated).expect(200);
    expect(closed).toMatchObject({ token: '…' });
    expect(pathsOf(await post('/api/providers/gitlab', closed as object, records, rotated).expect(422))).toEqual([
      'token',
    ]);
    await rotated.close();
  });

  it('goes to PostgreSQL while Redis is away, and is never older afterwards', async () => {
    await post('/api/providers/github', { user: 'before' }).expect(201);
    await get('/api/providers/github', records, other).expect(200);
    await redis.kill();
    await post('/api/providers/github', { user: 'meanwhile' }).expect(200);
    expect((await get('/api/providers/github', records, other).expect(200)).body).toMatchObject({ user: 'meanwhile' });
    expect((await get('/api/cache/stats').expect(200)).body).toEqual({
      success: false,
      total_cached_configs: 0,
      cached_keys: [],
      complete: false,
      redis_info: { connected: false, ttl_seconds: 300 },
    });
    expect((await get('/api/cache/test').expect(200)).body).toMatchObject({ success: false, connected: false });
    expect((await remove('/api/cache/github').expect(202)).body).toEqual({ operations: [], pending: true });
    await remove('/api/cache').expect(202);
    await redis.restart();
    const roles = [api, other].map(({ app }) => app.get(RedisRoles).link('cache'));
    for (;;) {
      for (const on of [api, other]) {
        expect((await get('/api/providers/github', records, on).expect(200)).body).toMatchObject({ user: 'meanwhile' });
      }
      if (roles.every(({ up }) => up)) break;
    }
    await zero.link('cache').untilUp(10_000);
    expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'meanwhile' });
  }, 60_000);

  it('lies in Redis as it was committed last, whoever of two writers comes to Redis last', async () => {
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([api, other].map((on, by) => post('/api/providers/order', { round, by }, records, on)));
      const { body } = await get('/api/providers/order', { ...records, 'cache-control': 'no-store' }).expect(200);
      const { round: at, by } = body as { round: number; by: number };
      expect(await raw('config:order')).toMatchObject({ round: at, by });
    }
  });

  it('is never older than the last acknowledged write, whoever writes and reads where, also with Redis killed', async () => {
    let acknowledged = 0;
    const writing = new AbortController();
    const write = async (): Promise<void> => {
      for (let n = 1; n <= 25; n += 1) {
        await Promise.all([
          post('/api/providers/race', { n }, records, n % 2 === 0 ? api : other),
          post('/api/providers/race', { n }, records, n % 2 === 0 ? other : api),
        ]);
        acknowledged = n;
        if (n === 10) await redis.kill();
        if (n === 12) await redis.restart();
      }
      writing.abort();
    };
    const read = async (on: TestApi): Promise<number> => {
      let reads = 0;
      while (!writing.signal.aborted) {
        const least = acknowledged;
        const { body, status } = await get('/api/providers/race', records, on);
        if (status === 404) expect(least).toBe(0);
        else expect((body as { n: number }).n).toBeGreaterThanOrEqual(least);
        reads += 1;
      }
      return reads;
    };
    const [, ...reads] = await Promise.all([write(), read(api), read(other), read(other)]);
    for (const count of reads) expect(count).toBeGreaterThan(10);
  }, 60_000);
});
