import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedisSentinels, type TestRedis, type TestRedisSentinels, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import type { RedisHome } from '../src/index.js';
import { startProcess, stop, type Process } from './cache-process.js';
import { addresses, HOLD, KEYS, REPLACED_AFTER_MS, SHORT_LEASES, up, World } from './world.js';

/** A way to a server that can be closed: what was connected stays so, in silence. */
class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((from) => {
      const to = connect({ host: '127.0.0.1', port });
      for (const socket of [from, to]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => [from, to].forEach((one) => one.destroy()));
      }
      from.on('data', (bytes) => this.open && to.write(bytes));
      to.on('data', (bytes) => this.open && from.write(bytes));
    });
  }

  open = true;

  async listen(): Promise<{ host: string; port: number }> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Opens it again, for new connections. */
  reopen(): void {
    this.open = true;
    this.end();
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.end();
    this.#server.close();
  }
}

async function isPrimary({ port }: TestRedis): Promise<boolean> {
  const client = new Redis({ port, host: '127.0.0.1' });
  const [role] = await client.role();
  client.disconnect();
  return role === 'master';
}

/** For as long as it runs, whatever the Sentinels tell it. */
async function keepPrimary({ port }: TestRedis): Promise<void> {
  const client = new Redis({ port, host: '127.0.0.1' });
  await client.call('ACL', 'SETUSER', 'default', '-slaveof', '-replicaof');
  client.disconnect();
}

describe('two primaries behind Sentinels', () => {
  let redis: TestRedisSentinels;
  let home: RedisHome;
  let relays: Relay[];
  /** Reaches the Sentinels through `relays`, and every server directly. */
  let near: Process;
  const processes: Process[] = [];

  const start = async (at: RedisHome = home): Promise<Process> => {
    const process = await startProcess(at, SHORT_LEASES, HOLD);
    processes.push(process);
    return process;
  };

  beforeEach(async () => {
    redis = await startRedisSentinels({ downAfterMs: REPLACED_AFTER_MS });
    home = { sentinels: addresses(redis.addresses), primaryName: redis.name };
    relays = redis.sentinels.map(({ port }) => new Relay(port));
    near = await start({
      sentinels: await Promise.all(relays.map((relay) => relay.listen())),
      primaryName: redis.name,
    });
  });

  afterEach(async () => {
    await Promise.all(processes.splice(0).map(stop));
    for (const relay of relays) relay.close();
    await redis.stop();
  });

  test('after an orderly failover nobody reads at the old one what was invalidated at the new one', async () => {
    const before = await redis.primary();
    const world = new World([near]);
    await world.readAll(near);
    await keepPrimary(before);
    world.begin();
    await redis.failOver();
    // Knows the new primary alone.
    const late = await start();
    for (const key of KEYS) expect(await world.change(late, key)).toBe(true);
    await world.readAll(near);
    expect(await isPrimary(before)).toBe(true);
    await up([near]);
    await world.readAll(near);
    await world.end();
    expect(world.failures).toEqual([]);
    expect(world.stale).toEqual([]);
  });

  test('who reaches the old one and no Sentinel stops using it before anybody uses the new one', async () => {
    const before = await redis.primary();
    const world = new World([near]);
    await world.readAll(near);
    await keepPrimary(before);
    world.begin();
    for (const relay of relays) relay.open = false;
    await redis.failOver();
    const late = await start();
    for (const key of KEYS) expect(await world.change(late, key)).toBe(true);
    await world.readAll(near);
    expect(near.roles.up).toBe(false);
    // An invalidation that could only be run at the old one is none.
    expect(await world.change(near, 'k0')).toBe(false);
    expect(await isPrimary(before)).toBe(true);
    await pause(200);
    for (const relay of relays) relay.reopen();
    await up([near]);
    await until(async () => near.cache.pendingInvalidations === 0);
    await world.readAll(late);
    await world.end();
    expect(world.failures).toEqual([]);
    expect(world.stale).toEqual([]);
  });

  test('a primary that was frozen and wakes up is used by nobody', async () => {
    const before = await redis.primary();
    const world = new World([near]);
    await world.readAll(near);
    before.freeze();
    await redis.untilReplaced(before);
    const late = await start();
    for (const key of KEYS) expect(await world.change(late, key)).toBe(true);
    before.thaw();
    world.begin();
    await up([near]);
    const another = await start();
    for (const key of KEYS) expect(await world.change(another, key)).toBe(true);
    await world.readAll(near);
    await world.end();
    expect(world.failures).toEqual([]);
    expect(world.stale).toEqual([]);
  });

  test('a minority of the Sentinels is not believed, and is enough to lose', async () => {
    const [link] = near.roles.links();
    (redis.sentinels[0] as TestRedis).freeze();
    // Longer than the term that they had confirmed together.
    await pause(1.2 * HOLD.holdAfterRestartMs);
    await until(() => link?.up === true);
    (redis.sentinels[1] as TestRedis).freeze();
    await until(async () => link?.up === false);
    expect(link?.lastError).toMatch(/Sentinels/);
    (redis.sentinels[1] as TestRedis).thaw();
    await up([near]);
    (redis.sentinels[0] as TestRedis).thaw();
  });
});
