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
