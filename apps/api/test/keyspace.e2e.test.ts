import { catalogue, RedisRoles, type RedisLink, type Role } from '@promptsales/cache-core';
import { createHash } from 'node:crypto';
import request from 'supertest';
import { apiPlaces, type ApiPlaces } from './api-places.js';
import type { TestApi } from './test-api.js';

type Redis = Parameters<Parameters<RedisLink['readAt']>[1]>[0];

interface Row {
  readonly id: string;
  readonly keys: number | null;
  readonly keys_at_most: number | null;
  readonly bytes: number | null;
  readonly sampled: boolean;
}

const chat = (content: string, more: object = {}): object => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content }],
  ...more,
});

describe('the keyspace over HTTP', () => {
  let places: ApiPlaces;
  let api: TestApi;
  let acme: Record<string, string>;
  let globex: Record<string, string>;

  const client = <T>(role: Role, command: (redis_: Redis) => Promise<T>): Promise<T> =>
    api.app.get(RedisRoles).link(role).readAt('x', command);
  const identity = (family: string, of: unknown, as = acme) =>
    request(api.server).post('/v1/keyspace/identity').set(as).send({ family, request: of });

  beforeAll(async () => {
    places = await apiPlaces();
    api = await places.api({ KEY_PREFIX: 'ps:' });
    [acme, globex] = await Promise.all([api.keyOf('acme', ['cache', 'llm']), api.keyOf('globex', ['cache', 'llm'])]);
  });

  afterAll(() => places.stop());

  describe('POST /v1/keyspace/identity', () => {
    it('names the key at which the gateway keeps the answer, whatever its form and the order of its members', async () => {
      for (const [body, headers] of [
        [chat('one'), {}],
        [chat('two', { temperature: 0.5 }), { 'x-cache-namespace': 'n' }],
        [chat('three', { stream: true }), { 'openai-organization': 'o' }],
      ] as const) {
        await request(api.server)
          .post('/v1/chat/completions')
          .set({ ...acme, ...headers })
          .send(body)
          .expect(200);
        const asked = await identity('llm.response', { ...body, stream: false })
          .set(headers)
          .expect(200);
        const { key, physical_key: physical } = asked.body as { key: string; physical_key: string };
        expect(key).toMatch(/^llm_cache:[0-9a-f]{64}$/);
        expect(physical).toBe(`ps:${key}`);
        expect(await client('llm', (redis_) => redis_.exists(physical))).toBe(1);
        await request(api.server).get(`/v1/cache/${key}`).set(acme).expect(200);
        const reversed = Object.fromEntries(Object.entries(body).toReversed());
        expect((await identity('llm.response', reversed).set(headers)).body).toMatchObject({ key });
      }
    });

    it('names the key at which the vector of one text is kept, whatever its company was', async () => {
      const asked = { model: 'text-embedding-3-small', dimensions: 8 };
      const body = { ...asked, input: ['one text', 'another text'] };
      await request(api.server).post('/v1/embeddings').set(acme).send(body).expect(200);
      const { key, physical_key: physical } = (
        await identity('llm.embedding', { input: 'another text', ...asked }).expect(200)
      ).body as { key: string; physical_key: string };
      expect(key).toMatch(/^embedding:[0-9a-f]{64}$/);
      expect(await client('llm', (redis_) => redis_.exists(physical))).toBe(1);
      expect((await identity('llm.embedding', { ...asked, input: ['another text'] })).body).toMatchObject({ key });
      expect((await identity('llm.embedding', body).expect(422)).body).toMatchObject({ code: 'unprocessable' });
    });

    it('names it for every endpoint, by its body or by the endpoint that is named', async () => {
      for (const [endpoint, body] of [
        ['/v1/responses', { model: 'gpt-4o-mini', input: 'keyed' }],
        ['/v1/completions', { model: 'gpt-4o-mini', prompt: 'keyed' }],
        ['/v1/chat/completions', chat('keyed')],
      ] as const) {
        const first = await request(api.server).post(endpoint).set(acme).send(body).expect(200);
        expect(first.headers['x-cache']).toBe('MISS');
        const named = { family: 'llm.response', request: body, endpoint };
        const { body: asked } = await request(api.server)
          .post('/v1/keyspace/identity')
          .set(acme)
          .send(named)
          .expect(200);
        const { key, physical_key: physical } = asked as { key: string; physical_key: string };
        expect(await client('llm', (redis_) => redis_.exists(physical))).toBe(1);
        expect((await identity('llm.response', body)).body).toMatchObject({ key });
      }
      const both = { model: 'm', input: 'x', prompt: 'y' };
      const keyAt = async (endpoint: string) =>
        request(api.server)
          .post('/v1/keyspace/identity')
          .set(acme)
          .send({ family: 'llm.response', request: both, endpoint });
      expect((await keyAt('/v1/responses')).body).not.toEqual((await keyAt('/v1/completions')).body);
      expect((await keyAt('/v1/chat/completions')).status).toBe(422);
      expect((await keyAt('/v1/nothing')).status).toBe(422);
      const elsewhere = { family: 'app.value', request: { key: 'k' }, endpoint: '/v1/responses' };
      await request(api.server).post('/v1/keyspace/identity').set(acme).send(elsewhere).expect(400);
    });

    it('names the key at which a generation is kept', async () => {
      const body = { model: 'gpt-4o-mini', prompt: 'one', params: { temperature: 0 } };
      const made = (await request(api.server).post('/v1/generations').set(acme).send(body).expect(200)).body as object;
      expect(made).toMatchObject({ content: expect.any(String), cached: false });
      const { key, physical_key: physical } = (await identity('ai.generation', body).expect(200)).body as {
        key: string;
        physical_key: string;
      };
      expect(key).toMatch(/^ai:generation:gpt-4o-mini:[0-9a-f]{64}$/);
      expect(await client('llm', (redis_) => redis_.exists(physical))).toBe(1);
      expect((await identity('ai.generation', { model: 'm' }).expect(422)).body).toMatchObject({
        code: 'unprocessable',
      });
      await request(api.server).post('/v1/generations').set(acme).send({ model: 'm' }).expect(400);
    });

    it('trap 13: is another for another parameter, namespace or tenant', async () => {
      const keys = await Promise.all([
        identity('llm.response', chat('a')),
        identity('llm.response', chat('a', { seed: 1 })),
        identity('llm.response', chat('a', { tools: [] })),
        identity('llm.response', chat('a')).set('x-cache-namespace', 'n'),
        identity('llm.response', chat('a'), globex),
      ]);
      expect(new Set(keys.map(({ body }) => (body as { key: string }).key)).size).toBe(5);
    });

    it('writes the segments of other families as their keys have them', async () => {
      const key = async (family: string, of: object, as = acme): Promise<unknown> =>
        ((await identity(family, of, as).expect(200)).body as { key: string }).key;
      expect(await key('surfsense', { empresa_normalizada: 'Peña S.A.' }, api.admin)).toBe('surfsense:pena_s.a.');
      expect(await key('app.value', { key: 'a:b *' })).toBe('tenant:acme:app:a%3Ab%20%2A');
      const hash = createHash('sha256').update('secret-token').digest('hex');
      expect(await key('blacklist', { token: 'secret-token' }, api.admin)).toBe(`blacklist:${hash}`);
      expect(await key('blacklist', { token_hash: hash }, api.admin)).toBe(`blacklist:${hash}`);
      expect(api.logged()).not.toContain('secret-token');
    });

    it('refuses what it cannot key, and says why', async () => {
      const refused: [string, unknown, number, string][] = [
        ['llm.respons', {}, 422, 'unknown_family'],
        ['llm.response', { model: 'm' }, 422, 'unprocessable'],
        ['llm.response', [], 400, 'validation_failed'],
        ['api.call', { service: 's', method: 'get', params_hash: 'x' }, 422, 'unprocessable'],
        ['lead', { uuid: 'no' }, 422, 'unprocessable'],
        ['lead', {}, 422, 'unprocessable'],
        ['lead', { uuid: 1 }, 422, 'unprocessable'],
        ['app.value', { key: 'k', more: 'x' }, 422, 'unprocessable'],
      ];
      for (const [family, of, status, code] of refused) {
        const { body } = await identity(family, of).expect(status);
        expect([family, of, (body as { code: string }).code]).toEqual([family, of, code]);
      }
      const unfaithful =
        '{"family":"llm.response","request":{"model":"m","messages":[{"role":"user","content":"x"}],"seed":12345678901234567890}}';
      const asked = request(api.server).post('/v1/keyspace/identity').set(acme).type('application/json');
      await asked.send(unfaithful).expect(422);
      await request(api.server).post('/v1/keyspace/identity').set(acme).expect(400);
      await request(api.server)
        .post('/v1/keyspace/identity')
        .set(acme)
        .send({ family: 'lead', request: {}, x: 1 })
        .expect(400);
    });
  });

  describe('GET /v1/keyspace', () => {
    const fill = (role: Role, prefix: string, count: number): Promise<unknown> =>
      client(role, (redis_) => {
        const pipeline = redis_.pipeline();
        for (let n = 0; n < count; n += 1) pipeline.set(`${prefix}k${n}`, '"value"');
        return pipeline.exec();
      });
    const census = async (as: Record<string, string>): Promise<Map<string, Row>> => {
      const { body } = await request(api.server).get('/v1/keyspace').set(as).expect(200);
      const { families } = body as { families: Row[] };
      expect(families.map(({ id }) => id)).toEqual(catalogue.families.map(({ id }) => id));
      return new Map(families.map((row) => [row.id, row]));
    };

    it('trap 7: counts, estimates and shows each tenant its own; what is not known is null', async () => {
      await client('cache', (redis_) => redis_.flushall());
      await fill('cache', 'ps:app:', 30_000);
      await fill('cache', 'ps:tenant:acme:app:', 15_000);
      await client('cache', (redis_) => redis_.mset({ 'ps:lead:nobody': 'x', 'somebody:else': 'x' }));
      await client('llm', (redis_) => redis_.set(`ps:llm_cache:${'a'.repeat(64)}`, 'x'));
      await client('sessions', (redis_) => redis_.set('ps:session:u1', 'x'));
      const all = await census(api.admin);
      const app = all.get('app.value') as Row;
      expect(app).toMatchObject({ sampled: true, keys: expect.any(Number), bytes: expect.any(Number) });
      expect(Math.abs((app.keys ?? 0) - 45_000)).toBeLessThan(500);
      // 64 to 100 bytes each, by the server's allocator.
      expect((app.bytes ?? 0) / (app.keys ?? 1)).toBeGreaterThan(40);
      expect((app.bytes ?? 0) / (app.keys ?? 1)).toBeLessThan(200);
      expect(all.get('lead')).toMatchObject({ keys: null, bytes: null, sampled: true });
      expect(all.get('llm.response')).toMatchObject({ keys: 1, sampled: false });
      expect(all.get('session')).toMatchObject({ keys: 1, sampled: false });
      expect(all.get('blacklist')).toMatchObject({ keys: 0, bytes: 0, sampled: false });
      const { body } = await request(api.server).get('/v1/keyspace').set(api.admin).expect(200);
      expect(body).toMatchObject({
        tenant: null,
        others: { unknown: { sampled: true } },
        places: expect.arrayContaining([expect.objectContaining({ roles: ['cache'], keys: 45_002, complete: false })]),
      });

      const own = await census(acme);
      expect(Math.abs((own.get('app.value')?.keys ?? 0) - 15_000)).toBeLessThan(1500);
      expect(own.get('llm.response')).toMatchObject({ keys: null, keys_at_most: null, bytes: null });
      expect(own.get('session')).toMatchObject({ keys: 0 });
      const asked = await request(api.server).get('/v1/keyspace').set(acme).expect(200);
      expect(asked.body).toMatchObject({ tenant: 'acme', others: null, places: null });
    });

    it('trap 8: says of what cannot be asked that it is not known, and trap 30: wants the scope cache', async () => {
      await request(api.server)
        .get('/v1/keyspace')
        .set(await api.keyOf('initech', ['llm']))
        .expect(403);
      const initech = await api.keyOf('initech', ['cache']);
      places.redis.freeze();
      const rows = await census(initech);
      expect(new Set([...rows.values()].map(({ keys }) => keys))).toEqual(new Set([null]));
      places.redis.thaw();
      await api.app.get(RedisRoles).link('cache').untilUp(30_000);
    });
  });
});
