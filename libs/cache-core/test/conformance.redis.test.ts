import { startRedis, startRedisCluster, type TestRedis, type TestRedisCluster } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { linkConformance } from '../src/conformance/index.js';
import { RedisRoles, type RedisLink, type RedisTopology } from '../src/index.js';
import { PATIENT } from './redis-place.js';

async function opened(topology: RedisTopology): Promise<RedisLink> {
  const link = new RedisRoles({ ...topology, times: PATIENT }).link('cache');
  link.open();
  await link.untilUp(60_000);
  return link;
}

describe('a link to one server conforms', () => {
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.stop());

  const open = async (): Promise<RedisLink> => {
    const raw = new Redis(redis.url);
    await raw.flushall();
    raw.disconnect();
    return opened({ url: redis.url });
  };

  test.each(linkConformance({ open }))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('a link to a cluster conforms', () => {
  let cluster: TestRedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicasEach: 0 });
  });

  afterAll(() => cluster.stop());

  const open = async (): Promise<RedisLink> => {
    const link = await opened({ cluster: cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })) });
    await link.onEachNode(async (node) => void (await node.read((client) => client.flushall())));
    return link;
  };

  test.each(linkConformance({ open }))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
