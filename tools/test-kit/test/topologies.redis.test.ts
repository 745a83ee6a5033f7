import { Redis } from 'ioredis';
import {
  startRedisCluster,
  startRedisSentinels,
  type TestRedis,
  type TestRedisCluster,
  type TestRedisSentinels,
} from '../src/index.js';

describe('a Redis Cluster of the test’s own', () => {
  let cluster: TestRedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });

  afterAll(() => cluster.stop());

  const ask = async (port: number, command: string, ...args: string[]): Promise<unknown> => {
    const client = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
    try {
      return await client.call(command, ...args).catch((error: Error) => error.message);
    } finally {
      client.disconnect();
    }
  };

  test('has three primaries with a replica each, and serves every slot', async () => {
    const primaries = await cluster.primaries();
    expect(primaries).toHaveLength(3);
    expect(cluster.nodes).toHaveLength(6);
    const owner = await cluster.primaryOf('key');
    expect(await ask(owner.port, 'SET', 'key', 'value')).toBe('OK');
    expect(await ask(owner.port, 'GET', 'key')).toBe('value');
  });

  test('moves a slot: ASK while its keys are on the way, MOVED afterwards', async () => {
    const from = await cluster.primaryOf('moving');
    await ask(from.port, 'SET', 'moving', 'value');
    const to = (await cluster.primaries()).find((node) => node !== from) as (typeof cluster.nodes)[number];
    const slot = await cluster.slotOf('moving');
    const move = await cluster.beginMove(slot, to);
    expect(await ask(from.port, 'GET', 'moving')).toBe('value');
    expect(await move.moveKeys()).toBe(1);
    expect(await ask(from.port, 'GET', 'moving')).toBe(`ASK ${slot} 127.0.0.1:${to.port}`);
    await move.finish();
    expect(await ask(from.port, 'GET', 'moving')).toBe(`MOVED ${slot} 127.0.0.1:${to.port}`);
    expect(await ask(to.port, 'GET', 'moving')).toBe('value');
  });

  test('hands a primary’s slots to its replica, orderly or when it is dead', async () => {
    const before = await cluster.primaryOf('key');
    const heir = await cluster.failOver(before);
    expect(await cluster.primaryOf('key')).toBe(heir);
    await cluster.untilWhole();
    await heir.kill();
    expect(await cluster.failOver(heir)).toBe(before);
    await heir.restart();
    await cluster.untilWhole();
    expect(await ask(before.port, 'GET', 'key')).toBe('value');
  });
});

describe('Redis with Sentinels of the test’s own', () => {
  let redis: TestRedisSentinels;

  beforeAll(async () => {
    redis = await startRedisSentinels();
  });

  afterAll(() => redis.stop());

  test('fails over when it is told to, and when the primary dies', async () => {
    const first = await redis.primary();
    const second = await redis.failOver();
    expect(second).not.toBe(first);
    await redis.untilWhole();
    await second.kill();
    expect(await redis.untilReplaced(second)).toBe(first);
  });

  test('one that comes back before anybody misses it is what it was last', async () => {
    const replica = redis.servers.find((server) => server !== redis.servers[0]) as TestRedis;
    if ((await redis.primary()) !== replica) {
      await replica.restart();
      await redis.untilWhole();
      await redis.failOver();
    }
    expect(await redis.primary()).toBe(replica);
    await redis.untilWhole();
    for (const { port } of redis.sentinels) {
      const sentinel = new Redis(port, '127.0.0.1');
      await sentinel.call('SENTINEL', 'SET', redis.name, 'down-after-milliseconds', '60000');
      sentinel.disconnect();
    }
    await replica.kill();
    await replica.restart();
    const client = new Redis(replica.url);
    const role = await client.role();
    client.disconnect();
    expect(role).toContain('master');
    await redis.untilWhole();
    expect(await redis.primary()).toBe(replica);
  });
});
