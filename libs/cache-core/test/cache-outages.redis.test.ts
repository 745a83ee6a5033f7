import { until } from '@promptsales/test-kit';
import { valueReading } from '../src/index.js';
import { app, load } from './app-values.js';
import { cacheProcess, untilUp, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

onEveryPlace('the cache protocol when Redis is in trouble', cacheProcess, (stage) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('trap 8: frozen: every caller is answered by the origin, one load a key and process, nothing is stored later', async () => {
    redis.freeze();
    let loads = 0;
    const loader = async () => {
      loads += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return loads;
    };
    const results = await Promise.all(Array.from({ length: 200 }, () => a.aside.getOrLoad(app('k'), loader)));
    expect(loads).toBe(1);
    expect(results.every((one) => one.value === 1)).toBe(true);
    redis.thaw();
    await untilUp(a, b);
    expect(await raw.exists('app:k')).toBe(0);
    expect(await load(a, 'k', 'fresh')).toMatchObject({ value: 'fresh', source: 'loaded' });
  });

  test('trap 9: what its caller was told has failed takes no effect when Redis goes on', async () => {
    await (
      await load(a, 'k', 'old')
    ).stored;
    redis.freeze();
    const put = (value: string) => a.cache.put({ ref: app('k') }, { stored: [Buffer.from(JSON.stringify(value))] });
    // Some of them are sent and get no answer; once Redis is held for dead, nothing is sent any more.
    for (let n = 0; n < 3; n += 1) expect(await put(`late ${n}`)).toBe('dropped');
    await until(async () => !a.roles.link('cache').up);
    expect(await put('refused')).toBe('dropped');
    redis.thaw();
    await untilUp(a, b);
    expect(await raw.get('app:k')).toBe('"old"');
    expect(await load(b, 'k', 'no')).toMatchObject({ value: 'old', source: 'hit' });
  });

  test('an invalidation while Redis is frozen is pending, and is applied before anything is read again', async () => {
    await (
      await load(a, 'k', 'old')
    ).stored;
    redis.freeze();
    await until(async () => !a.roles.link('cache').up);
    expect(await a.cache.invalidate({ ref: app('k') })).toEqual({ deleted: null, pending: true });
    expect(await load(a, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
    redis.thaw();
    await untilUp(a);
    expect(a.cache.pendingInvalidations).toBe(0);
    expect((await load(a, 'k', 'newer')).value).toBe('newer');
  });

  test('an acknowledged invalidation that a crash of the server undid is applied again', async () => {
    await (
      await load(a, 'k', 'old')
    ).stored;
    const [value, sidecar] = await raw.mgetBuffer('app:k', 'meta:{app:k}');
    expect(await a.cache.invalidate({ ref: app('k') })).toEqual({ deleted: 1, pending: false });
    // What a crash between two fsyncs, or a failover to a lagging replica, brings back.
    await raw.mset({ 'app:k': value as Buffer, 'meta:{app:k}': sidecar as Buffer });
    await redis.restart('app:k');
    await until(async () => !a.roles.link('cache').up || (await raw.exists('app:k')) === 0);
    await untilUp(a, b);
    expect(await load(b, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
  });

  test('full: callers share one load, nothing is stored, and what is stored is still read', async () => {
    await (
      await load(a, 'kept', 'old')
    ).stored;
    await redis.config('maxmemory', '1');
    try {
      const loader = jest.fn(async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return 'value';
      });
      const results = await Promise.all(Array.from({ length: 20 }, () => a.aside.getOrLoad(app('k'), loader)));
      expect(loader).toHaveBeenCalledTimes(1);
      expect(new Set(results.map(({ value }) => value))).toEqual(new Set(['value']));
      expect(await load(b, 'kept', 'no')).toMatchObject({ value: 'old', source: 'hit' });
      expect(await a.cache.put({ ref: app('kept') }, { stored: [Buffer.from('1')] })).toBe('dropped');
    } finally {
      await redis.config('maxmemory', '0');
    }
  });

  test.each<[string, () => Promise<() => Promise<void>>]>([
    ['busy with somebody’s script', () => redis.occupy()],
    [
      'not allowing what is asked',
      async () => {
        await redis.rule('-mget');
        return () => redis.rule('+mget');
      },
    ],
  ])('%s: the origin answers, and nobody is given an error of Redis', async (_what, begin) => {
    await (
      await load(a, 'k', 'old')
    ).stored;
    const end = await begin();
    try {
      expect(await load(a, 'k', 'of the origin')).toMatchObject({ value: 'of the origin', source: 'loaded' });
      expect(await a.cache.lookup(valueReading(app('k')))).toEqual({ kind: 'away' });
      expect(a.counts.get('bypass refused')).toBeGreaterThan(0);
    } finally {
      await end();
    }
    await untilUp(a, b);
    expect(await load(b, 'k', 'no')).toMatchObject({ value: 'old', source: 'hit' });
  });

  test('a journal that overflows removes whole families, and nothing of others', async () => {
    await stage.stop(a);
    a = await stage.start({ journal: { capacity: 5, keepAcknowledgedMs: 60_000, retryMs: 50 } });
    for (let n = 0; n < 20; n += 1) await (await load(a, `k${n}`, n)).stored;
    await raw.set('lead:unrelated', 'x');
    redis.freeze();
    await until(async () => !a.roles.link('cache').up);
    for (let n = 0; n < 10; n += 1) await a.cache.invalidate({ ref: app(`k${n}`) });
    expect(a.cache.pendingInvalidations).toBeLessThanOrEqual(5);
    redis.thaw();
    await untilUp(a);
    expect(await redis.keys('app:*')).toEqual([]);
    expect(await raw.get('lead:unrelated')).toBe('x');
  });

  test('a journal that overflowed defeats loads in flight too', async () => {
    await Promise.all([a, b].map(stage.stop));
    a = await stage.start({ journal: { capacity: 0, keepAcknowledgedMs: 60_000, retryMs: 50 } });
    b = await stage.start({ leaseMs: 60_000 });
    let finish: (value: string) => void = () => {};
    const slow = b.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    redis.freeze();
    await until(async () => !a.roles.link('cache').up);
    await a.cache.invalidate({ ref: app('k') });
    redis.thaw();
    await untilUp(a, b);
    finish('old');
    // Refused by Redis, or not sent at all.
    expect(['superseded', 'dropped']).toContain(await (await slow).stored);
    expect(await raw.exists('app:k')).toBe(0);
  });
});
