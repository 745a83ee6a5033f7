import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { fill, occupy } from '../src/cache/server-admin.js';

describe('eviction pressure', () => {
  let server: TestRedis;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });

  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  test('evicts, also when its connection is ended as by a Sentinel, and leaves no limit behind', async () => {
    const filling = fill(server, 'allkeys-lru', 300);
    while (((await redis.config('GET', 'maxmemory')) as string[])[1] === '0') await new Promise(setImmediate);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await filling).toBeGreaterThan(0);
    expect(await redis.config('GET', 'maxmemory')).toEqual(['maxmemory', '0']);
  });
});

describe('a script that does not end', () => {
  let server: TestRedis;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });

  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  test('occupies the server until it is ended', async () => {
    const occupied = occupy(server, 500);
    const busy = (error: Error): boolean => error.message.startsWith('BUSY ');
    while (!(await redis.ping().then(() => false, busy))) await new Promise(setImmediate);
    await occupied;
    while (await redis.ping().then(() => false, busy)) await new Promise(setImmediate);
    expect(await redis.ping()).toBe('PONG');
  });
});
