import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startRedisCluster, type TestRedisCluster } from '@promptsales/test-kit';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

describe('the API on a Redis Cluster', () => {
  let cluster: TestRedisCluster;
  let api: TestApi;

  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: 5000 });
    api = await testApi({ REDIS_URL: '', REDIS_CLUSTER_NODES: cluster.addresses });
  });

  afterAll(() => api.close());

  const health = async (): Promise<Record<string, unknown>> => (await request(api.server).get('/health')).body;
  const until = async (wanted: (body: Record<string, unknown>) => boolean): Promise<void> => {
    while (!wanted(await health())) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  it('is healthy, and tells of each primary with all its roles', async () => {
    await until(({ status }) => status === 'healthy');
    const { body } = await request(api.server).get('/health/redis').set(api.admin);
    const everyRole = ['analytics', 'cache', 'llm', 'ratelimit', 'sessions', 'state', 'temp'];
    expect(body.servers.map(({ roles }: { roles: string[] }) => roles.toSorted())).toEqual([
      everyRole,
      everyRole,
      everyRole,
    ]);
  });

  it('has locks, whichever node they are on', async () => {
    const names = Array.from({ length: 6 }, (_, n) => `cluster-${n}`);
    const taken = await Promise.all(
      names.map((name) => request(api.server).post(`/v1/locks/${name}`).set(api.admin).send({ ttl_seconds: 30 })),
    );
    expect(taken.map(({ status }) => status)).toEqual(names.map(() => 201));
  });

  describe('has services behind the cache', () => {
    let origin: Server;
    let calls = 0;
    let handler: RequestListener;

    beforeAll(async () => {
      origin = createServer((incoming, response) => {
        calls += 1;
        handler(incoming, response);
      });
      await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
      const { port } = origin.address() as AddressInfo;
      const service = { base_url: `http://127.0.0.1:${port}` };
      await request(api.server).put('/v1/services/crm').set(api.admin).send(service).expect(201);
    });

    beforeEach(() => (calls = 0));

    afterAll(async () => {
      origin.closeAllConnections();
      await new Promise((resolve) => origin.close(resolve));
    });

    const answering = (headers: Record<string, string>, body: (language: string) => string): void => {
      handler = ({ headers: asked }, response) => {
        if (headers['etag'] !== undefined && asked['if-none-match'] === headers['etag']) response.statusCode = 304;
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        response.end(response.statusCode === 304 ? undefined : body(String(asked['accept-language'])));
      };
    };
    const get = (path: string, headers: Record<string, string> = {}) =>
      request(api.server)
        .get(`/proxy/crm${path}`)
        .set({ ...api.admin, ...headers });
    /** Over enough paths that every primary has some. */
    const paths = (what: string): string[] => Array.from({ length: 6 }, (_, n) => `/${what}/${n}`);
    const outcomes = async (what: string, headers: Record<string, string> = {}): Promise<unknown[]> => {
      const all: unknown[] = [];
      for (const path of paths(what)) all.push((await get(path, headers).expect(200)).headers['x-cache']);
      return [...new Set(all)];
    };

    it('which keep, serve and revalidate', async () => {
      answering({ 'cache-control': 'max-age=100', etag: '"1"' }, () => 'one');
      expect(await outcomes('kept')).toEqual(['MISS']);
      expect(await outcomes('kept')).toEqual(['HIT']);
      expect(await outcomes('kept', { 'cache-control': 'no-cache' })).toEqual(['REFRESH']);
      expect(await outcomes('kept')).toEqual(['HIT']);
      expect(calls).toBe(12);
      expect((await get('/kept/0')).text).toBe('one');
    });

    it('with variants side by side, which one change removes together', async () => {
      answering({ 'cache-control': 'max-age=100', vary: 'accept-language' }, (language) => language);
      for (const language of ['de', 'en'])
        expect(await outcomes('vary', { 'accept-language': language })).toEqual(['MISS']);
      for (const language of ['de', 'en']) {
        expect(await outcomes('vary', { 'accept-language': language })).toEqual(['HIT']);
        expect((await get('/vary/1', { 'accept-language': language })).text).toBe(language);
      }
      for (const path of paths('vary'))
        await request(api.server).delete(`/proxy/crm${path}`).set(api.admin).expect(200);
      for (const language of ['de', 'en'])
        expect(await outcomes('vary', { 'accept-language': language })).toEqual(['MISS']);
    });

    it('which a tag invalidates wherever they are', async () => {
      answering({ 'cache-control': 'max-age=100' }, () => 'tagged');
      for (const path of paths('tagged')) await get(path, { 'x-cache-tags': 'leads' }).expect(200);
      expect(await outcomes('tagged')).toEqual(['HIT']);
      await request(api.server)
        .post('/v1/cache/invalidate')
        .set(api.admin)
        .send({ tags: ['leads'] })
        .expect(200);
      expect(await outcomes('tagged')).toEqual(['MISS']);
    });
  });

  it('trap 29: a primary that is frozen degrades, and names no host to strangers', async () => {
    const [node] = await cluster.primaries();
    node?.freeze();
    try {
      await until(({ redis }) => redis === 'disconnected');
      expect(await health()).toMatchObject({ status: 'degraded', database: 'connected' });
      const answer = await request(api.server).get('/health/redis');
      expect(answer.text).not.toContain(String(node?.port));
      expect((await request(api.server).get('/health/ready')).status).toBe(200);
    } finally {
      node?.thaw();
    }
    await until(({ status }) => status === 'healthy');
  });
});
