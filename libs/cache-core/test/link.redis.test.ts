import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { RedisUnavailableError } from '../src/redis/errors.js';
import { DEFAULT_LINK_TIMES } from '../src/redis/link.js';
import { type LinkSettings, ServerLink } from '../src/redis/server-link.js';
import { loadScript } from '../src/redis/script.js';
import { parseRedisUrl } from '../src/redis/url.js';
import { PATIENT } from './redis-place.js';

const COUNT = loadScript(new URL('./lua/slow-count.lua', import.meta.url));

describe('a link to Redis', () => {
  let redis: TestRedis;
  let link: ServerLink;

  const linkTo = (url: string, settings: Partial<LinkSettings> = {}): ServerLink =>
    new ServerLink({
      ...DEFAULT_LINK_TIMES,
      ...PATIENT,
      heartbeatMs: 50,
      holdAfterRestartMs: 0,
      name: 'test',
      connection: parseRedisUrl(url).connection,
      database: 0,
      ...settings,
    });

  const became = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      const listen = (state: string): void => {
        if (state !== wanted) return;
        link.off('state', listen);
        resolve();
      };
      link.on('state', listen);
    });

  /** In place of the patient one: it notices soon when Redis is frozen. */
  const hurry = async (): Promise<void> => {
    await link.close();
    link = linkTo(redis.url, { commandTimeoutMs: 500 }).open();
    await link.untilUp(60_000);
  };

  beforeEach(async () => {
    redis = await startRedis({ appendOnly: true });
    link = linkTo(redis.url).open();
    await link.untilUp(60_000);
  });

  afterEach(async () => {
    await link.close();
    await redis.kill();
  });

  test('reads, runs scripts and knows the server’s clock', async () => {
    expect(await link.read((client) => client.get('none'))).toBeNull();
    expect(await link.run(COUNT, ['n'], [])).toBe(1);
    // Its first answer may have been a slow one, which says little; with each beat of its heart it knows better.
    await until(async () => {
      const askedAt = link.now();
      const [seconds, micros] = await link.read((client) => client.time());
      const time = Number(seconds) * 1000 + Number(micros) / 1000;
      return time > askedAt - 50 && time < link.now() + 50;
    });
  });

  test('an answer that is an error is the caller’s, and no sign of trouble', async () => {
    await link.read((client) => client.lpush('list', 'x'));
    await expect(link.read((client) => client.get('list'))).rejects.toThrow('WRONGTYPE');
    await expect(link.read((client) => client.get('list'))).rejects.toThrow('WRONGTYPE');
    expect(link.up).toBe(true);
  });

  test('trap 8: a frozen Redis costs each early caller one deadline and later callers nothing', async () => {
    await hurry();
    const down = became('down');
    redis.freeze();
    const early = await Promise.allSettled(Array.from({ length: 50 }, () => link.read((client) => client.get('k'))));
    expect(early.every((one) => one.status === 'rejected')).toBe(true);
    await down;
    const later = await Promise.allSettled(Array.from({ length: 1000 }, () => link.read((client) => client.get('k'))));
    // `away`: refused at once, nothing was sent and nothing waited for.
    const why = later.map((one) =>
      one.status === 'rejected' ? (one.reason as RedisUnavailableError).trouble : 'answered',
    );
    expect(new Set(why)).toEqual(new Set(['away']));
    const up = became('up');
    redis.thaw();
    await up;
    expect(await link.read((client) => client.get('k'))).toBeNull();
  });

  test('trap 8: errors that callers swallow still take the link down, by the heartbeat alone if nobody asks', async () => {
    await hurry();
    const down = became('down');
    redis.freeze();
    await down;
    expect(link.lastError).toBe('no reply in time');
    redis.thaw();
  });

  test('trap 9: a script that was rejected to its caller takes no effect after the thaw', async () => {
    await hurry();
    redis.freeze();
    const rejected = await Promise.allSettled(Array.from({ length: 20 }, () => link.run(COUNT, ['late'], [])));
    expect(rejected.map((one) => one.status)).toEqual(Array(20).fill('rejected'));
    const up = became('up');
    redis.thaw();
    await up;
    // The commands lay in the frozen server's socket before the new connection's: they have been looked at by now.
    expect(await link.read((client) => client.get('late'))).toBeNull();
  });

  test('trap 28: a command under way when the server is killed is rejected and never sent again', async () => {
    await link.run(COUNT, ['n'], []);
    redis.freeze();
    const underWay = link.run(COUNT, ['n'], []).catch((error: unknown) => error);
    const down = became('down');
    await redis.kill();
    await down;
    expect(await underWay).toBeInstanceOf(RedisUnavailableError);
    const up = became('up');
    await redis.restart();
    await up;
    expect(Number(await link.read((client) => client.get('n')))).toBeLessThanOrEqual(1);
  });

  test('a script that came too late because this process was busy is sent once more', async () => {
    await hurry();
    const began = performance.now();
    const counted = link.run(COUNT, ['busy'], []);
    // The command has not left yet: ioredis sends at the end of the tick, by which time its deadline is over.
    while (performance.now() - began < 1000);
    expect(await counted).toBe(1);
    expect(await link.read((client) => client.get('busy'))).toBe('1');
  });

  test('a server that takes no writes is said to refuse, and stays in use for reads', async () => {
    await link.read((client) => client.config('SET', 'maxmemory', '1'));
    await expect(link.run(COUNT, ['n'], [])).rejects.toMatchObject({ code: 'redis_refused' });
    expect(link.up).toBe(true);
    expect(await link.read((client) => client.get('n'))).toBeNull();
  });

  test('a process that was itself busy does not take a healthy Redis for a frozen one', async () => {
    await hurry();
    const reads = Array.from({ length: 200 }, () => link.read((client) => client.get('k')));
    const end = performance.now() + 2000;
    while (performance.now() < end);
    await expect(Promise.all(reads)).resolves.toHaveLength(200);
    expect(link.up).toBe(true);
  });

  test('is not up before what must be recovered has been', async () => {
    const order: string[] = [];
    link.onRecovery(async () => {
      order.push(`recovering while ${link.state}`);
      await pause(1);
      order.push('recovered');
    });
    const up = became('up').then(() => order.push('up'));
    await redis.restart();
    await up;
    const recovery = ['recovering while recovering', 'recovered'];
    expect(order).toEqual([...recovery, ...recovery, 'up']);
  });

  test('waits after a restart, so that others can replay what the server lost; its own it replays before', async () => {
    await link.close();
    link = linkTo(redis.url, { holdAfterRestartMs: 300 }).open();
    await link.untilUp(60_000);
    const replayedAt: number[] = [];
    link.onRecovery(async () => void replayedAt.push(performance.now()));
    const up = became('up').then(() => performance.now());
    await redis.restart();
    expect((await up) - (replayedAt[0] as number)).toBeGreaterThanOrEqual(290);
  });

  test('who is new waits too where a server has just come back with what it had kept, and only there', async () => {
    const began = async (): Promise<{ why: string; waitedMs: number }> => {
      await link.close();
      link = linkTo(redis.url, { holdAfterRestartMs: 300 }).open();
      const recovering = new Promise<{ why: string; at: number }>((resolve) => {
        link.on('state', (state, why) => state === 'recovering' && resolve({ why, at: performance.now() }));
      });
      await link.untilUp(60_000);
      const { why, at } = await recovering;
      return { why, waitedMs: performance.now() - at };
    };
    expect(await began()).toMatchObject({ why: 'connected' });
    await link.run(COUNT, ['n'], []);
    await redis.restart();
    const again = await began();
    expect(again.why).toBe('the server was restarted or replaced');
    expect(again.waitedMs).toBeGreaterThanOrEqual(290);
  });

  test('trap 8: a server that takes connections and never answers is given up and tried again', async () => {
    await link.close();
    let taken = 0;
    const again = Promise.withResolvers<void>();
    const silent = createServer(() => {
      taken += 1;
      if (taken === 2) again.resolve();
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    link = linkTo(`redis://127.0.0.1:${port}`, { connectTimeoutMs: 200, commandTimeoutMs: 500 }).open();
    await again.promise;
    expect(link.up).toBe(false);
    await link.close();
    silent.close();
  });

  test('falls back to database 0 where the server has no other', async () => {
    const small = await startRedis({ databases: 1 });
    const other = linkTo(small.url, { database: 5 }).open();
    await other.untilUp(60_000);
    expect(other.database).toBe(0);
    await other.close();
    await small.stop();
  });

  test('a script that does not check its deadline is refused when it is loaded', () => {
    expect(() => loadScript(new URL('../src/redis/lua/deadline.lua', import.meta.url))).toThrow('-- keys: N');
  });
});
