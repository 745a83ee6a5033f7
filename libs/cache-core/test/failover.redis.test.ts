import { setTimeout as pause } from 'node:timers/promises';
import {
  startRedisCluster,
  startRedisSentinels,
  type TestClusterNode,
  type TestRedisCluster,
  type TestRedisSentinels,
  until,
} from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { keyspace, type RedisHome } from '../src/index.js';
import { startProcess, stop, type Process } from './cache-process.js';
import { addresses, app, HOLD, KEYS, REPLACED_AFTER_MS, SHORT_LEASES, up, World } from './world.js';

/** What this server acknowledges from now on reaches no replica: they are thrown out and cannot log in again. */
async function keepFromReplicas({ port }: { readonly port: number }): Promise<void> {
  const client = new Redis({ port, host: '127.0.0.1' });
  await client.config('SET', 'requirepass', 'nobody knows');
  await client.call('CLIENT', 'KILL', 'TYPE', 'replica');
  client.disconnect();
}

describe('a failover in a cluster', () => {
  let cluster: TestRedisCluster;
  let processes: Process[];

  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: REPLACED_AFTER_MS });
  });

  beforeEach(async () => {
    const home: RedisHome = { cluster: addresses(cluster.addresses) };
    processes = await Promise.all([startProcess(home, SHORT_LEASES, HOLD), startProcess(home, SHORT_LEASES, HOLD)]);
  });

  afterEach(async () => {
    await Promise.all(processes.map(stop));
    await cluster.untilWhole();
  });

  test('under load fails no request, does not disturb the other slots, and forgets no invalidation', async () => {
    const [a, b] = processes as [Process, Process];
    const world = new World(processes);
    await world.readAll(a);
    const lost = await cluster.primaryOf('app:k0');
    const owners = await Promise.all(KEYS.map((key) => cluster.primaryOf(`app:${key}`)));
    const others = KEYS.filter((_, n) => owners[n] !== lost);
    const heir = await cluster.replicaOf(lost);
    await pause(100);
    await keepFromReplicas(lost);
    world.begin();
    for (const key of KEYS) expect(await world.change(a, key)).toBe(true);
    await lost.kill();
    const undisturbed = await Promise.all(
      others.map(async (key) => (await b.cache.invalidate({ ref: app(key) })).pending),
    );
    expect(undisturbed).toEqual(others.map(() => false));
    await until(async () => (await cluster.primaries()).includes(heir));
    await up(processes);
    await world.readAll(b);
    await world.end();
    await lost.restart();
    expect(world.failures).toEqual([]);
    // What the replica did not know of is stale nowhere: it was held until everybody had repeated his invalidations.
    expect(world.stale).toEqual([]);
  });

  test('whole families and tags are invalidated on every node', async () => {
    const [a, b] = processes as [Process, Process];
    for (const key of KEYS) await (await a.aside.getOrLoad(app(key), async () => 1)).stored;
    await a.cache.invalidateFamily(keyspace.appValue, 'default');
    const again = await Promise.all(KEYS.map((key) => b.aside.getOrLoad(app(key), async () => 2)));
    expect(again.map(({ value }) => value)).toEqual(KEYS.map(() => 2));
  });

  test('slots that move under load fail no request, and nothing is stale', async () => {
    const [a] = processes as [Process];
    const world = new World(processes);
    world.begin();
    for (let round = 0; round < 3; round += 1) {
      const key = KEYS[round] as string;
      const slot = await cluster.slotOf(`app:${key}`);
      const from = await cluster.primaryOf(slot);
      const to = (await cluster.primaries()).find((node) => node !== from) as TestClusterNode;
      const move = await cluster.beginMove(slot, to);
      await move.moveKeys(1);
      await world.change(a, key);
      await pause(50);
      await move.finish();
      await until(async () => world.change(a, key));
    }
    await world.end();
    expect(world.failures).toEqual([]);
    expect(world.stale).toEqual([]);
    expect(processes.map(({ cache }) => cache.pendingInvalidations)).toEqual([0, 0]);
  });
});

describe('a failover that Sentinels decide', () => {
  let redis: TestRedisSentinels;
  let processes: Process[];

  beforeAll(async () => {
    redis = await startRedisSentinels({ downAfterMs: REPLACED_AFTER_MS });
    const home: RedisHome = { sentinels: addresses(redis.addresses), primaryName: redis.name };
    processes = await Promise.all([startProcess(home, SHORT_LEASES, HOLD), startProcess(home, SHORT_LEASES, HOLD)]);
  });

  afterAll(() => Promise.all(processes.map(stop)));

  test('in good order moves everybody to the new primary, and no acknowledged invalidation is lost', async () => {
    const [a] = processes as [Process];
    const world = new World(processes);
    const before = await redis.primary();
    world.begin();
    for (const key of KEYS) await world.change(a, key);
    const after = await redis.failOver();
    expect(after).not.toBe(before);
    await until(async () => world.change(a, 'k0'));
    await up(processes);
    await world.end();
    expect(world.failures).toEqual([]);
    expect(world.stale).toEqual([]);
    await redis.untilWhole();
  });

  test('with a dead primary and a replica that lagged fails no request and forgets no invalidation', async () => {
    const [a, b] = processes as [Process, Process];
    const world = new World(processes);
    await up(processes);
    await world.readAll(a);
    const lost = await redis.primary();
    const heir = redis.servers.find((server) => server !== lost) as typeof lost;
    await pause(100);
    await keepFromReplicas(lost);
    world.begin();
    for (const key of KEYS) expect(await world.change(a, key)).toBe(true);
    await lost.kill();
    expect(await redis.untilReplaced(lost)).toBe(heir);
    await up(processes);
    await world.readAll(b);
    await world.end();
    expect(world.failures).toEqual([]);
    expect(world.stale).toEqual([]);
  });
});
