import { setTimeout as pause } from 'node:timers/promises';
import { until } from '@promptsales/test-kit';
import { FamilyGlob, keyspace, type CacheSettings, type PatternProgress, type PatternRun } from '../src/index.js';
import { cacheProcess, untilUp, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

onEveryPlace('invalidation by pattern', cacheProcess, (stage, place) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  const app = (key: string, tenant?: string) => keyspace.appValue.at({ key }, tenant);
  const load = (process: Process, key: string, value: unknown, tenant?: string) =>
    process.aside.getOrLoad(app(key, tenant), async () => value);
  const store = async (process: Process, key: string, value: unknown, tenant?: string): Promise<void> => {
    expect(await (await load(process, key, value, tenant)).stored).toBe('stored');
  };
  const invalidate = (
    process: Process,
    glob: string,
    run: Partial<PatternRun> = {},
    tenant?: string,
  ): Promise<PatternProgress> =>
    process.cache.invalidateMatching(FamilyGlob.parse(glob, tenant), {
      dryRun: false,
      signal: new AbortController().signal,
      ...run,
    });
  /** Values without anything beside them, written past the cache. */
  const fill = async (count: number, key: (n: number) => string, prefix = 'app:'): Promise<void> => {
    for (let from = 0; from < count; from += 5000) {
      const size = Math.min(5000, count - from);
      await Promise.all(Array.from({ length: size }, (_, n) => raw.set(`${prefix}${key(from + n)}`, `"${from + n}"`)));
    }
  };
  const restart = async (settings: Partial<CacheSettings>): Promise<void> => {
    await Promise.all([a, b].map(stage.stop));
    [a, b] = await Promise.all([stage.start(settings), stage.start(settings)]);
  };

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('removes what it covers with all that lies beside it, and says how much', async () => {
    for (const key of ['report-1', 'report-2', 'other']) await store(a, key, 'old');
    await raw.set('frames:{app:report-1}', 'frames');
    await raw.set('app:report-by-hand', '"old"');
    const done = await invalidate(b, 'app:report-*');
    expect(done).toMatchObject({ deleted: 3, sample: expect.arrayContaining(['app:report-1', 'app:report-by-hand']) });
    expect((await redis.keys('*report*')).toSorted()).toEqual([]);
    expect(await load(a, 'report-1', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
    expect(await load(a, 'other', 'new')).toMatchObject({ value: 'old', source: 'hit' });
  });

  test('it is remembered of entries that they were invalidated, where the origin’s replicas are mistrusted', async () => {
    await restart({ loading: { 'app.value': { holdOff: { ms: 60_000, ttlSeconds: 1 } } } });
    await store(a, 'k', 'old');
    await invalidate(b, 'app:*');
    expect(await raw.get('meta:{app:k}')).toMatch(/^\["invalidated",\d+\]$/);
    expect(await raw.exists('app:k')).toBe(0);
  });

  test('trap 4: reaches every server, and each key where it is', async () => {
    await fill(3000, (n) => `k${n}`);
    const dry = await invalidate(a, 'app:*', { dryRun: true });
    expect([dry.deleted, dry.nodes.length]).toEqual([3000, place === 'a cluster' ? 3 : 1]);
    const done = await invalidate(a, 'app:*');
    expect(done.deleted).toBe(3000);
    // Fewer would mean that one server was asked for what lies on the others.
    for (const { deleted } of done.nodes) expect(deleted).toBeGreaterThan(3000 / 2 / done.nodes.length);
    expect(await redis.keys('app:*')).toEqual([]);
  });

  test('what lies beside a value that is gone goes too', async () => {
    await store(a, 'half', 'old');
    await raw.del('app:half');
    await raw.set('frames:{app:half}', 'frames');
    expect((await invalidate(b, 'app:*')).deleted).toBe(0);
    expect(await redis.keys('*app:half*')).toEqual([]);
  });

  test('trap 1: a load whose entry has no value yet does not store what it began to load before', async () => {
    let finish: (value: string) => void = () => {};
    const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    await invalidate(b, 'app:*');
    expect(await raw.exists('lease:{app:k}')).toBe(0);
    expect(await load(a, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
    finish('old');
    expect(await (await slow).stored).toBe('superseded');
    expect(await load(b, 'k', 'never')).toMatchObject({ value: 'new', source: 'hit' });
  });

  test('trap 1: whenever loads end while it goes on, nothing that they began to load before is left', async () => {
    await fill(20_000, (n) => `filler-${n}`, 'other:');
    const finish: ((value: string) => void)[] = [];
    const KEYS = Array.from({ length: 60 }, (_, n) => `k${n}`);
    const slow = KEYS.map((key) =>
      a.aside.getOrLoad(app(key), () => new Promise<unknown>((resolve) => finish.push(resolve))),
    );
    await until(async () => finish.length === KEYS.length);
    const invalidating = invalidate(b, 'app:*');
    for (const end of finish) {
      end('old');
      await pause(1);
    }
    await invalidating;
    for (const { stored } of await Promise.all(slow)) await stored;
    expect(await redis.keys('app:*')).toEqual([]);
    for (const key of KEYS) expect((await load(b, key, 'new')).value).toBe('new');
  });

  test('is complete while others write and the table grows and shrinks', async () => {
    await fill(5000, (n) => `old-${n}`);
    const neighbours = (async () => {
      for (let n = 0; n < 9; n += 1) {
        await fill(1000, (m) => `neighbour-${n}-${m}`, 'other:');
        if (n % 3 === 2) await Promise.all((await redis.keys('other:*')).map((key) => raw.del(key)));
      }
    })();
    const done = await invalidate(a, 'app:old-*');
    await neighbours;
    expect(done.deleted).toBe(5000);
    expect(await redis.keys('app:*')).toEqual([]);
  });

  test('trap 3: neighbours, other tenants, other prefixes and other systems’ keys stay', async () => {
    await restart({ keyPrefix: 'p*:' });
    await store(a, 'mine', 'old');
    await store(a, 'mine', 'acme’s', 'acme');
    const others = ['app:x', 'p2:app:x', 'p*:lead:x', 'p*:app:x:y', 'pp*:app:x', 'p*:meta:x', 'p*:xapp:y'];
    for (const key of others) await raw.set(key, 'theirs');
    expect((await invalidate(b, 'app:*')).deleted).toBe(1);
    expect(await redis.existing(...others)).toEqual(others);
    expect(await redis.keys('*mine*')).toHaveLength(2);
    expect(await load(b, 'mine', 'new', 'acme')).toMatchObject({ value: 'acme’s', source: 'hit' });
    expect((await invalidate(b, 'app:*', {}, 'acme')).deleted).toBe(1);
    expect(await redis.existing(...others)).toEqual(others);
  });

  test('trap 12: hostile segments are found by what they are', async () => {
    const hostile = ['a:b', '*', '..', '\0', 'x'.repeat(10_000), '\uD800', '__proto__', '{tag}', '[a]', 'a b', 'ñ?'];
    for (const key of hostile) await store(a, key, 'old');
    await store(a, 'x', 'old', 'a:*');
    expect((await invalidate(b, 'app:a*')).deleted).toBe(2);
    expect(await load(a, '*', 'new')).toMatchObject({ source: 'hit' });
    expect((await invalidate(b, 'app:*')).deleted).toBe(hostile.length - 2);
    expect(await redis.keys('app:*')).toEqual([]);
    expect((await invalidate(b, 'app:*', {}, 'a:*')).deleted).toBe(1);
  });

  test('a dry run says what it would delete and deletes nothing', async () => {
    for (let n = 0; n < 50; n += 1) await store(a, `k${n}`, 'old');
    const done = await invalidate(b, 'app:k*', { dryRun: true });
    expect(done.deleted).toBe(50);
    expect(done.sample).toHaveLength(20);
    expect(done.sample.every((key) => key.startsWith('app:k'))).toBe(true);
    expect((await load(a, 'k0', 'new')).source).toBe('hit');
  });

  test('can be stopped', async () => {
    await fill(5000, (n) => `k${n}`);
    const stopping = new AbortController();
    const reason = new Error('enough');
    const stopped = invalidate(a, 'app:*', {
      signal: stopping.signal,
      onProgress: ({ deleted }) => deleted > 0 && stopping.abort(reason),
    });
    await expect(stopped).rejects.toBe(reason);
    expect((await redis.keys('app:*')).length).toBeGreaterThan(1000);
  });

  test('this process forgets at once, the others as soon as they hear', async () => {
    await restart({ l1: {} });
    await store(a, 'k', 'old');
    await until(async () => {
      await Promise.all([load(a, 'k', 'never'), load(b, 'k', 'never')]);
      return a.cache.l1Status?.entries === 1 && b.cache.l1Status?.entries === 1;
    });
    await invalidate(b, 'app:*');
    expect((await load(b, 'k', 'new')).value).toBe('new');
    await until(async () => (await load(a, 'k', 'never')).value === 'new');
  });

  test('trap 8: goes on when Redis was frozen, lost or replaced in the middle, and is complete', async () => {
    await fill(30_000, (n) => `k${n}`);
    let harmed: Promise<void> | undefined;
    const harm = async (): Promise<void> => {
      redis.freeze();
      await pause(1200);
      redis.thaw();
      await pause(300);
      await redis.restart('app:k0');
    };
    await invalidate(a, 'app:*', {
      onProgress: ({ deleted }) => {
        if (deleted > 2000) harmed ??= harm();
      },
    });
    expect(harmed).toBeDefined();
    await harmed;
    await untilUp(a);
    expect(await redis.keys('app:*')).toEqual([]);
  });

  test('trap 1: a load under way stores nothing though another server, in the middle, still has its lease', async () => {
    // So long that it does not find out by renewing.
    await restart({ leaseMs: 60_000 });
    let finish: (value: string) => void = () => {};
    const slow = a.aside.getOrLoad(app('slow'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:slow}')) === 1);
    const lease = await raw.dumpBuffer('lease:{app:slow}');
    await fill(30_000, (n) => `k${n}`);
    let harmed: Promise<void> | undefined;
    const harm = async (): Promise<void> => {
      await raw.restore('lease:{app:slow}', 60_000, lease);
      await redis.restart('app:slow');
    };
    await invalidate(b, 'app:*', {
      onProgress: ({ deleted }) => {
        if (deleted > 2000) harmed ??= harm();
      },
    });
    expect(harmed).toBeDefined();
    await harmed;
    await untilUp(a, b);
    finish('old');
    await (
      await slow
    ).stored;
    expect((await load(b, 'slow', 'new')).value).toBe('new');
  });

  test('trap 1: what could not be begun is done before this process reads any of it again', async () => {
    await store(a, 'k1', 'old');
    await store(a, 'k2', 'old', 'acme');
    redis.freeze();
    await until(async () => !a.roles.up);
    a.cache.invalidateMatchingLater(FamilyGlob.parse('app:k*'));
    redis.thaw();
    await until(async () => a.roles.up);
    expect((await load(a, 'k1', 'new')).value).toBe('new');
    expect((await load(a, 'k2', 'new', 'acme')).value).toBe('old');
  });

  test('trap 1: a server that comes back without what it was told is told again', async () => {
    await store(a, 'k', 'old');
    const kept = await raw.dumpBuffer('app:k');
    const sidecar = await raw.get('meta:{app:k}');
    await invalidate(a, 'app:*');
    await raw.restore('app:k', 0, kept);
    await raw.set('meta:{app:k}', String(sidecar));
    await redis.restart('app:k');
    await until(async () => !a.roles.up || (await raw.exists('app:k')) === 0);
    await untilUp(a);
    expect((await load(a, 'k', 'new')).value).toBe('new');
  });
});
