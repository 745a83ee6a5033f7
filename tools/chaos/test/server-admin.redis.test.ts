import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
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
    const enough = Promise.withResolvers<void>();
    const filling = fill(server, 'allkeys-lru', enough.promise);
    await until(async () => ((await redis.config('GET', 'maxmemory')) as string[])[1] !== '0');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => !(await redis.info('stats')).includes('evicted_keys:0'));
    enough.resolve();
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
    const enough = Promise.withResolvers<void>();
    const occupied = occupy(server, enough.promise);
    const busy = (error: Error): boolean => error.message.startsWith('BUSY ');
    const isBusy = (): Promise<boolean> => redis.ping().then(() => false, busy);
    await until(isBusy);
    enough.resolve();
    await occupied;
    await until(async () => !(await isBusy()));
    expect(await redis.ping()).toBe('PONG');
  });
});
