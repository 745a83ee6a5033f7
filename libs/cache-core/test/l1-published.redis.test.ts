/** L1 where Redis refuses to tell of changes: those tell who make them. */
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Cache,
  CacheAside,
  changeKeys,
  FamilyGlob,
  keyspace,
  loadScript,
  RedisRoles,
  type CacheSettings,
} from '../src/index.js';
import { PATIENT } from './redis-place.js';
import { SubscriberProxy } from './subscriber-proxy.js';

interface Process {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly emptied: string[];
}

const BOUND_MS = 600;
const L1_TIMES = { boundMs: BOUND_MS, beatMs: 50, retryRefusedMs: 200 };
const PREFIX = 'pre:';
const ALL = `wake:${changeKeys.at(PREFIX)}`;

describe('L1 on a Redis that refuses CLIENT TRACKING', () => {
  let redis: TestRedis;
  let raw: Redis;
  const running: Process[] = [];

  const start = async (settings: Partial<CacheSettings> = {}, url = redis.url): Promise<Process> => {
    const emptied: string[] = [];
    const times = { ...PATIENT, heartbeatMs: 50, holdAfterRestartMs: 100 };
    const roles = new RedisRoles({ url, layout: 'databases', times });
    const cache = new Cache(
      roles,
      { keyPrefix: PREFIX, l1: L1_TIMES, ...settings },
      { emptied: (why) => emptied.push(why) },
    );
    roles.open();
    const process: Process = { roles, cache, aside: new CacheAside(cache, roles), emptied };
    running.push(process);
    await until(() => published(process));
    return process;
  };
  const states = ({ cache }: Process) => cache.l1Status?.servers.map(({ state }) => state) ?? [];
  const published = (process: Process): boolean => states(process).every((state) => state === 'published');
  const repos = (user: string) => keyspace.githubRepos.at({ user });
  const warm = (process: Process, key: string): unknown => process.aside.warm(repos(key))?.value;
  const warmUp = async (process: Process, key: string, value: unknown, options = {}): Promise<void> => {
    await until(async () => {
      await (
        await process.aside.getOrLoad(repos(key), async () => value, options)
      ).stored;
      return warm(process, key) !== undefined;
    });
    expect(warm(process, key)).toEqual(value);
  };
  const gone = (process: Process, key: string): Promise<void> =>
    until(() => warm(process, key) === undefined, BOUND_MS);
  /** It is still there. While this process was kept from its beats it serves nothing, and goes on with what it has. */
  const stays = (process: Process, key: string, value: unknown): Promise<void> =>
    until(() => warm(process, key) === value);
  const forbid = (...rules: string[]) => raw.call('ACL', 'SETUSER', 'default', ...rules);

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    raw = new Redis(redis.url, { db: 5 });
    raw.on('error', () => {});
  });

  beforeEach(() => forbid('-client|tracking'));

  afterAll(async () => {
    raw.disconnect();
    await redis.kill();
  });

  afterEach(async () => {
    for (const { cache, roles } of running.splice(0)) {
      cache.close();
      await roles.close();
    }
    await forbid('+@all', 'allchannels', 'allkeys');
    await raw.flushall();
  });

  test('a value read from Redis is served from memory, and it can be read why Redis itself does not tell', async () => {
    const a = await start();
    await warmUp(a, 'k', { deep: 1 });
    expect(a.cache.l1Status?.servers[0]?.reason).toMatch(/NOPERM/);
  });

  test.each<[string, (other: Process) => Promise<unknown>]>([
    ['an invalidation', ({ cache }) => cache.invalidate({ ref: repos('k') })],
    ['a put', ({ cache }) => cache.put({ ref: repos('k') }, { stored: [Buffer.from('2')] })],
    ['an invalidation of its tag', ({ cache }) => cache.invalidateTag('t')],
    ['an invalidation of its family', ({ cache }) => cache.invalidateFamily(keyspace.githubRepos)],
    [
      'an invalidation by pattern',
      ({ cache }) =>
        cache.invalidateMatching(FamilyGlob.parse('github_repos:k*'), {
          dryRun: false,
          signal: new AbortController().signal,
        }),
    ],
    ['FLUSHDB, which nobody tells of, but which takes the sequence along', () => raw.flushdb()],
  ])('%s in another process is seen within the bound', async (_what, change) => {
    const [a, b] = await Promise.all([start(), start({ l1: null })]);
    await warmUp(a, 'k', 'old', { labels: { tags: ['t'] } });
    await change(b);
    await gone(a, 'k');
    expect(warm(a, 'k')).toBeUndefined();
  });

  test('a change is heard by name: what is beside it stays', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    await warmUp(a, 'k', 1);
    await warmUp(a, 'other', 2);
    const before = a.emptied.length;
    await b.cache.invalidate({ ref: repos('k') });
    await gone(a, 'k');
    await stays(a, 'other', 2);
    expect(warm(a, 'k')).toBeUndefined();
    expect(a.emptied.length).toBe(before);
  });

  test('writers in another database and other deployments do not empty it', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    // Another database on the same server, whose messages come on the same channel.
    await (
      await b.aside.getOrLoad(
        keyspace.apiCall.at({ service: 's', method: 'get', params_hash: 'a'.repeat(64) }),
        async () => ({
          response: 1,
          timestamp: '2026-01-01T00:00:00Z',
          status: 200,
        }),
      )
    ).stored;
    await raw.publish(ALL, JSON.stringify(['another sequence', 7, ['pre:github_repos:x']]));
    await pause(150);
    await stays(a, 'k', 1);
    expect(a.emptied.length).toBe(before);
  });

  test('what was not written by our scripts is not heard of, and ends by its time', async () => {
    const a = await start();
    await warmUp(a, 'k', 'old', { ttlSeconds: 5 });
    await raw.set('pre:github_repos:k', '"foreign"', 'PX', 600_000);
    await pause(200);
    await stays(a, 'k', 'old');
    expect(a.emptied).not.toContain('messages_lost');
    await until(() => warm(a, 'k') === undefined);
  });

  test('a family that others write too is not kept, and it is where Redis tells', async () => {
    const a = await start();
    const shared = keyspace.appValue.at({ key: 'k' });
    expect(shared.family.otherWriters).toBe(true);
    const load = async (): Promise<unknown> => {
      await (
        await a.aside.getOrLoad(shared, async () => 1)
      ).stored;
      return a.aside.warm(shared)?.value;
    };
    for (let n = 0; n < 5; n += 1) expect(await load()).toBeUndefined();
    await warmUp(a, 'k', 1);
    await forbid('+client|tracking');
    await until(async () => (await load()) === 1);
    expect(states(a)).toContain('tracking');
  });

  test('a message that is lost is missed at the next number, or at the next beat', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    // A number that nobody heard of: its message was lost.
    await raw.hincrby(changeKeys.at(PREFIX), 'number', 1);
    await gone(a, 'k');
    await until(() => a.emptied.length > before);
    expect(a.emptied.slice(before)).toEqual(['messages_lost']);
    await warmUp(a, 'k', 1);
    // Both in one step: a beat in between would notice it by itself.
    await raw.eval(
      `local number = redis.call('HINCRBY', KEYS[1], 'number', 2)
      local about = { redis.call('HGET', KEYS[1], 'id'), number, { 'pre:github_repos:unrelated' } }
      redis.call('PUBLISH', ARGV[1], cjson.encode(about))`,
      1,
      changeKeys.at(PREFIX),
      ALL,
    );
    await gone(a, 'k');
    await until(() => a.emptied.length > before + 1);
    expect(a.emptied.slice(before)).toEqual(['messages_lost', 'messages_lost']);
  });

  test.each([
    ['no text of ours', 'x'],
    ['a change without a number', JSON.stringify(['', 0, ['pre:github_repos:x']])],
  ])('%s empties', async (_what, message) => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    await raw.publish(ALL, message);
    await until(() => a.emptied.length > before);
    expect(a.emptied.at(-1)).toBe('messages_lost');
    await warmUp(a, 'k', 1);
  });

  test('a writer that may not publish is noticed by its number', async () => {
    const [a, b] = await Promise.all([start(), start({ l1: null })]);
    await warmUp(a, 'k', 1);
    await warmUp(a, 'beside', 1);
    // What it tells is said on a channel that it may not use; where it wakes those who wait it may.
    await raw.call(
      'ACL',
      'SETUSER',
      'mute',
      'on',
      '>secret',
      '~*',
      'resetchannels',
      '&wake:pre:github_repos:*',
      '+@all',
    );
    const url = new URL(redis.url);
    url.username = 'mute';
    url.password = 'secret';
    const mute = new RedisRoles({ url: url.href, layout: 'databases', times: PATIENT }).open();
    const cache = new Cache(mute, { keyPrefix: PREFIX, l1: null });
    running.push({ roles: mute, cache, aside: b.aside, emptied: [] });
    await Promise.all(mute.links().map((link) => link.untilUp(60_000)));
    await cache.invalidate({ ref: repos('k') });
    await gone(a, 'k');
    await until(() => a.emptied.includes('messages_lost'));
    expect(warm(a, 'k')).toBeUndefined();
  });

  test('a script that was refused or came too late takes no number', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    const store = loadScript(new URL('../src/cache/lua/store.lua', import.meta.url));
    const numbers = () => raw.hget(changeKeys.at(PREFIX), 'number');
    const number = await numbers();
    const keys = ['pre:github_repos:k', 'pre:meta:{pre:github_repos:k}', 'pre:lease:{pre:github_repos:k}'];
    const link = a.roles.link('cache');
    expect(await link.run(store, keys, ['not the lease', 9000, 'side', 'string', 'bytes'])).toBe(0);
    await expect(
      raw.eval(store.lua, 3, ...keys, 1, '', 9000, 'side', 'string', 'x', changeKeys.at(PREFIX)),
    ).rejects.toThrow('EXPIRED');
    expect(await numbers()).toBe(number);
    await pause(150);
    await stays(a, 'k', 1);
    expect(a.emptied.length).toBe(before);
  });

  test('while nobody asks, nothing is told and nothing is numbered', async () => {
    await forbid('+client|tracking');
    const roles = new RedisRoles({ url: redis.url, layout: 'databases', times: PATIENT }).open();
    const cache = new Cache(roles, { keyPrefix: PREFIX, l1: L1_TIMES });
    running.push({ roles, cache, aside: new CacheAside(cache, roles), emptied: [] });
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    const ear = raw.duplicate();
    const heard: string[] = [];
    ear.on('message', (_channel, message: string) => heard.push(message));
    await ear.subscribe(ALL);
    await cache.put({ ref: repos('k') }, { stored: [Buffer.from('1')] });
    await cache.invalidate({ ref: repos('k') });
    await pause(50);
    expect(await raw.exists(changeKeys.at(PREFIX))).toBe(0);
    expect(heard).toEqual([]);
    ear.disconnect();
  });

  test('a killed connection empties, and it comes back by itself', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    await raw.client('KILL', 'TYPE', 'PUBSUB');
    // One connection for each database with entries in memory.
    await until(() => a.emptied.length === before + 2);
    expect(a.emptied.slice(before)).toEqual(['connection_lost', 'connection_lost']);
    expect(warm(a, 'k')).toBeUndefined();
    await until(() => published(a));
    await warmUp(a, 'k', 1);
  });

  test('a process that does not keep up is cut off by Redis and empties', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    const [, limits] = (await raw.config('GET', 'client-output-buffer-limit')) as string[];
    await raw.config('SET', 'client-output-buffer-limit', 'pubsub 16kb 16kb 1');
    try {
      await raw.eval("for n = 1, 5000 do redis.call('PUBLISH', KEYS[1], string.rep('x', 1000)) end", 1, ALL);
      // One connection for each database with entries in memory.
      await until(() => a.emptied.length === before + 2);
      expect(a.emptied.slice(before)).toEqual(['connection_lost', 'connection_lost']);
      expect(warm(a, 'k')).toBeUndefined();
    } finally {
      await raw.config('SET', 'client-output-buffer-limit', limits as string);
    }
  });

  test('a proxy that stops passing messages on: nothing is served after the bound', async () => {
    const proxy = await SubscriberProxy.before(redis);
    try {
      const [a, b] = await Promise.all([start({}, proxy.url), start({ l1: null })]);
      await warmUp(a, 'k', 'old');
      const silentAt = performance.now();
      proxy.silenceSubscribers();
      await b.cache.invalidate({ ref: repos('k') });
      for (let askedAt = silentAt; warm(a, 'k') !== undefined; askedAt = performance.now()) {
        expect(askedAt - silentAt).toBeLessThanOrEqual(BOUND_MS);
        await pause(5);
      }
      // Not kept again while it cannot hear: reads succeed, over the connection that works.
      await a.aside.getOrLoad(repos('k'), async () => 'new');
      await a.aside.getOrLoad(repos('k'), async () => 'never');
      expect(warm(a, 'k')).toBeUndefined();
    } finally {
      await proxy.close();
    }
  });

  test('where publishing is refused too, nothing is kept', async () => {
    await forbid('resetchannels', '&wake:pre:github_repos:*');
    const roles = new RedisRoles({ url: redis.url, layout: 'databases', times: PATIENT }).open();
    const cache = new Cache(roles, { keyPrefix: PREFIX, l1: L1_TIMES });
    const aside = new CacheAside(cache, roles);
    running.push({ roles, cache, aside, emptied: [] });
    await until(() => cache.l1Status?.servers.every(({ state }) => state === 'refused') ?? false);
    await pause(300);
    for (let n = 0; n < 3; n += 1) await (await aside.getOrLoad(repos('k'), async () => 1)).stored;
    expect(aside.warm(repos('k'))).toBeUndefined();
  });

  test('when Redis tells again, L1 begins anew with it, and hears of everybody', async () => {
    const a = await start();
    await warmUp(a, 'k', 'old');
    await forbid('+client|tracking');
    await until(() => states(a).every((state) => state === 'tracking'));
    expect(warm(a, 'k')).toBeUndefined();
    await warmUp(a, 'k', 'old');
    await raw.set('pre:github_repos:k', '"foreign"');
    await gone(a, 'k');
  });

  test('asking anew for tracking, again and again, empties nothing', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const before = a.emptied.length;
    await pause(500);
    await stays(a, 'k', 1);
    expect(a.emptied.length).toBe(before);
  });
});
