import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { RedisRoles } from '@promptsales/cache-core';
import request, { type Response } from 'supertest';
import { testApi, type TestApi } from './test-api.js';

type Key = Record<string, string>;
interface Found {
  readonly images: readonly {
    readonly id: string;
    readonly url: string;
    readonly hashtags: string[];
    readonly score: number;
  }[];
  readonly timestamp: string;
  readonly cached: boolean;
}

const PIECES = {
  bicycle: { descripcion: 'A red bicycle in front of the blue sea', hashtags: ['#summer', '#bike'], campana_id: 'c1' },
  bread: { descripcion: 'Fresh bread on a wooden table', hashtags: ['#bakery'], campana_id: 'c1' },
  ship: { descripcion: 'A white ship on the blue sea', hashtags: [], campana_id: 'c2' },
} as const;

describe('content', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;
  let acme: Key;
  let globex: Key;

  const put = (id: string, fields: object, key = acme, to = api) =>
    request(to.server)
      .put(`/v1/content/${encodeURIComponent(id)}`)
      .set(key)
      .send({ cliente_id: 'k1', formato: 'png', url_almacenamiento: `https://cdn.example/${id}.png`, ...fields });
  const search = async (
    path: string,
    body: object,
    key = acme,
    from = api,
  ): Promise<Found & { headers: Response['headers'] }> => {
    const response = await request(from.server).post(path).set(key).send(body).expect(200);
    return { ...(response.body as Found), headers: response.headers };
  };
  const inAll = (description: string, key = acme, from = api) =>
    search('/v1/content/search', { description }, key, from);
  const inCampaign = (campaign: string, body: object) => search(`/v1/campaigns/${campaign}/content/search`, body);
  const ids = ({ images }: Found) => images.map(({ id }) => id);
  const raw = <T>(command: string, ...args: (string | number)[]): Promise<T> =>
    api.app
      .get(RedisRoles)
      .link('cache')
      .readAt('x', (client) => client.call(command, ...args)) as Promise<T>;
  const keyOf = async (family: string, of: object): Promise<string> =>
    (
      (await request(api.server).post('/v1/keyspace/identity').set(acme).send({ family, request: of }).expect(200))
        .body as {
        physical_key: string;
      }
    ).physical_key;

  beforeAll(async () => {
    redis = await startRedis();
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url, REDIS_DB_CACHE: '0' };
    [api, other] = await Promise.all([testApi(places), testApi(places)]);
    [acme, globex] = await Promise.all([
      api.keyOf('acme', ['records', 'cache']),
      api.keyOf('globex', ['records', 'cache']),
    ]);
    for (const [id, fields] of Object.entries(PIECES)) await put(id, fields).expect(201);
  });

  afterAll(async () => {
    await Promise.all([api.close(), other.close()]);
    await redis.kill();
    await database.drop();
  });

  it('is stored, read from the cache, replaced and deleted', async () => {
    const fields = { descripcion: 'A cat', hashtags: ['#cat'], campana_id: 'c9', created_at: '2026-01-02T03:04:05Z' };
    const { body: made } = await put('cat', fields).expect(201);
    expect(made).toEqual({
      ...fields,
      cliente_id: 'k1',
      formato: 'png',
      aprobado: false,
      url_almacenamiento: 'https://cdn.example/cat.png',
      created_at: '2026-01-02T03:04:05.000Z',
    });
    const get = (from = api, key = acme) => request(from.server).get('/v1/content/cat').set(key);
    expect((await get().expect(200)).body).toEqual(made);
    const hit = await get().expect(200);
    expect([hit.body, hit.headers['x-cache']]).toEqual([made, 'HIT']);
    expect(await raw('HGETALL', 'tenant:acme:content:by_id:cat')).toContain('["#cat"]');
    await get(other).expect(200);

    await put('cat', { ...fields, aprobado: true }, acme, other).expect(200);
    expect((await get().expect(200)).body).toMatchObject({ aprobado: true, created_at: '2026-01-02T03:04:05.000Z' });
    await get(api, globex).expect(404);
    await request(api.server).delete('/v1/content/cat').set(globex).expect(404);
    await request(other.server).delete('/v1/content/cat').set(acme).expect(204);
    await get().expect(404);
    await request(api.server).delete('/v1/content/cat').set(acme).expect(404);
  });

  it('is found by what it is about, the best first, once for all who ask', async () => {
    const first = await inAll('a bicycle at the sea');
    expect(ids(first).slice(0, 2)).toEqual(['bicycle', 'ship']);
    expect(first.images[0]).toEqual({
      id: 'bicycle',
      url: 'https://cdn.example/bicycle.png',
      hashtags: ['#summer', '#bike'],
      score: expect.any(Number),
    });
    const scores = first.images.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((one, another) => another - one));
    expect([first.cached, first.headers['x-cache']]).toEqual([false, 'MISS']);
    const again = await inAll('a bicycle at the sea', acme, other);
    expect([again.images, again.timestamp, again.cached]).toEqual([first.images, first.timestamp, true]);
    expect(ids(await search('/v1/content/search', { description: 'a bicycle at the sea', limit: 1 }))).toEqual([
      'bicycle',
    ]);

    const stored = await raw<string>('GET', await keyOf('content.search', { description: 'a bicycle at the sea' }));
    expect(JSON.parse(stored)).toEqual({ images: first.images, timestamp: first.timestamp });
  });

  it('is found within its campaign', async () => {
    const first = await inCampaign('c1', { description: 'the blue sea' });
    expect([ids(first), first.cached]).toEqual([['bicycle', 'bread'], false]);
    const again = await inCampaign('c1', { description: 'the blue sea', limit: 1 });
    expect([again.images, again.cached]).toEqual([first.images.slice(0, 1), true]);
    const key = await keyOf('content.search.campaign', { campana_id: 'c1', description: 'the blue sea' });
    expect(await raw('ZREVRANGE', key, 0, -1)).toEqual(['bicycle', 'bread']);
    const nothing = await inCampaign('c-none', { description: 'the blue sea' });
    expect([nothing.images, nothing.cached]).toEqual([[], false]);
    expect((await inCampaign('c-none', { description: 'the blue sea' })).cached).toBe(true);
  });

  it('trap 1: is found, or no more found, by whoever searches after it was written, in whichever process', async () => {
    await inAll('a green tractor');
    await inCampaign('c1', { description: 'a green tractor' });
    await put('tractor', { descripcion: 'A green tractor', campana_id: 'c1' }, acme, other).expect(201);
    expect(ids(await inAll('a green tractor'))[0]).toBe('tractor');
    expect(ids(await inCampaign('c1', { description: 'a green tractor' }))[0]).toBe('tractor');
    await put('tractor', { descripcion: 'A green tractor', campana_id: 'c2' }).expect(200);
    expect(ids(await inCampaign('c1', { description: 'a green tractor' }))).not.toContain('tractor');
    await request(other.server).delete('/v1/content/tractor').set(acme).expect(204);
    expect(ids(await inAll('a green tractor'))).not.toContain('tractor');
  });

  it('trap 7: is found by its tenant alone', async () => {
    expect(ids(await inAll('a bicycle at the sea', globex))).toEqual([]);
    await put('bicycle', { ...PIECES.bicycle, url_almacenamiento: 'https://other.example/1.png' }, globex).expect(201);
    expect((await inAll('a bicycle at the sea', globex)).images).toEqual([
      expect.objectContaining({ id: 'bicycle', url: 'https://other.example/1.png' }),
    ]);
    expect((await inAll('a bicycle at the sea')).images[0]?.url).toBe('https://cdn.example/bicycle.png');
  });

  it('heeds what a request says of the cache', async () => {
    const ask = async (cacheControl: string, description = 'a loaf of bread') =>
      (
        await request(api.server)
          .post('/v1/content/search')
          .set({ ...acme, 'cache-control': cacheControl })
          .send({ description })
      ).headers['x-cache'] as unknown;
    await inAll('a loaf of bread');
    expect(await ask('max-age=60')).toBe('HIT');
    expect(await ask('no-cache')).toBe('REFRESH');
    expect(await ask('no-store')).toBe('BYPASS');
    await request(api.server)
      .post('/v1/content/search')
      .set({ ...acme, 'cache-control': 'only-if-cached' })
      .send({ description: 'never searched' })
      .expect(504);
  });

  it('trap 12: takes hostile ids as what they are', async () => {
    for (const id of ['a:b*', '__proto__', '..%2f', 'ñ 😀', '{x}']) {
      await put(id, { descripcion: 'hostile', campana_id: 'c3' }).expect(201);
      const { body } = await request(api.server)
        .get(`/v1/content/${encodeURIComponent(id)}`)
        .set(acme)
        .expect(200);
      expect(body).toMatchObject({ descripcion: 'hostile' });
    }
    await request(api.server).get('/v1/content/a').set(acme).expect(404);
  });

  it.each([
    [{}, ['campana_id', 'cliente_id', 'descripcion', 'formato']],
    [{ campana_id: 'c', cliente_id: 'k', descripcion: 'd', formato: 'f', hashtags: 'x' }, ['hashtags']],
    [
      { campana_id: 'c', cliente_id: 'k', descripcion: 'd', formato: 'f', url_thumbnail: 'javascript:x' },
      ['url_thumbnail'],
    ],
    [{ campana_id: 'c\0', cliente_id: 7, descripcion: 'd', formato: 'f', x: 1 }, ['campana_id', 'cliente_id', 'x']],
    [
      { campana_id: 'c', cliente_id: 'k', descripcion: 'd', formato: 'f', aprobado: 1, created_at: 'now' },
      ['aprobado', 'created_at'],
    ],
  ])('refuses %j, and names each field', async (body, paths) => {
    const response = await request(api.server).put('/v1/content/bad').set(acme).send(body).expect(400);
    const { code, errors } = response.body as { code: string; errors: { path: string }[] };
    expect([code, errors.map(({ path }) => path)]).toEqual(['validation_failed', paths]);
  });

  it.each([
    [{}, ['description']],
    [{ description: ' ' }, ['description']],
    [{ description: 'x', limit: 0 }, ['limit']],
    [{ description: 'x', limit: 101, page: 2 }, ['page', 'limit']],
  ])('refuses the search %j', async (body, paths) => {
    for (const path of ['/v1/content/search', '/v1/campaigns/c1/content/search']) {
      const response = await request(api.server).post(path).set(acme).send(body).expect(400);
      expect((response.body as { errors: { path: string }[] }).errors.map((one) => one.path)).toEqual(paths);
    }
  });
});
