import { until } from '@promptsales/test-kit';
import { valueReading, type Leadership } from '../src/index.js';
import { app, load } from './app-values.js';
import { cacheProcess, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

const FAMILY_VERSION = 'version:family:default:app.value';

onEveryPlace('loads by the cache protocol', cacheProcess, (stage, place) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('trap 1: an invalidation while a load is in flight keeps its value out, whoever invalidates', async () => {
    for (const invalidator of [a, b]) {
      let finish: (value: string) => void = () => {};
      const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
      await until(async () => (await raw.exists('lease:{app:k}')) === 1);
      expect(await invalidator.cache.invalidate({ ref: app('k') })).toEqual({ deleted: 0, pending: false });
      // Whoever comes after the invalidation does not get the old load's value, not even in the same process.
      const later = await load(a, 'k', 'new');
      expect(later).toMatchObject({ value: 'new', source: 'loaded' });
      finish('old');
      const early = await slow;
      expect(early.value).toBe('old');
      expect(await early.stored).toBe('superseded');
      expect(await load(b, 'k', 'never')).toMatchObject({ value: 'new', source: 'hit' });
      await a.cache.invalidate({ ref: app('k') });
    }
  });

  test('trap 1: a put is newer than any load in flight', async () => {
    let finish: (value: string) => void = () => {};
    const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    expect(await b.cache.put({ ref: app('k') }, { stored: [Buffer.from('"put"')] })).toBe('stored');
    finish('old');
    expect(await (await slow).stored).toBe('superseded');
    expect(await load(b, 'k', 'never')).toMatchObject({ value: 'put', source: 'hit' });
  });

  test('one load for any number of callers over two processes', async () => {
    let loads = 0;
    const loader = async () => {
      loads += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return 'value';
    };
    // However slow this machine is, Redis is not held for dead: without it each process loads for itself.
    [a, b] = (await Promise.all([a, b].map(() => stage.start({}, { commandTimeoutMs: 10_000 })))) as [Process, Process];
    const callers = Array.from({ length: 1000 }, (_, n) => (n % 2 === 0 ? a : b).aside.getOrLoad(app('k'), loader));
    const results = await Promise.all(callers);
    expect(loads).toBe(1);
    expect(new Set(results.map((one) => one.value))).toEqual(new Set(['value']));
    expect(results.filter((one) => one.source === 'loaded')).toHaveLength(1);
  });

  test('a caller who has looked goes on without another look, and notices what has changed since', async () => {
    const followed: string[] = [];
    const boardings = {
      lead: (leadership: Leadership) => ({ done: leadership.release() }),
      follow: (token: string) => ({ done: Promise.resolve(void followed.push(token)) }),
    };
    const looked = async (key: string) => {
      const seen = await a.cache.look(valueReading(app(key)));
      expect(seen.found.kind).toBe('miss');
      return seen;
    };
    const unchanged = await looked('k');
    let opened: unknown;
    const executed = await redis.commandsOf(async () => void (opened = await unchanged.open(boardings)));
    expect(opened).toMatchObject({ kind: 'flight', how: 'led' });
    if (place === 'one server') expect(executed['mget'] ?? 0).toBe(0);

    const storedSince = await looked('stored');
    await (
      await load(b, 'stored', 'by another')
    ).stored;
    expect(await storedSince.open(boardings)).toMatchObject({ kind: 'hit', hit: { value: 'by another' } });

    const loadedSince = await looked('loaded');
    let finish: (value: string) => void = () => {};
    const loading = b.aside.getOrLoad(app('loaded'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:loaded}')) === 1);
    expect(await loadedSince.open(boardings)).toMatchObject({ kind: 'flight', how: 'followed' });
    expect(followed).toHaveLength(1);
    finish('v');
    await loading;
  });

  test('who is about to ask for the lease is told, before he leads and also where somebody else was quicker', async () => {
    const told: string[] = [];
    const boardings = {
      expectToLead: () => void told.push('expects'),
      lead: (leadership: Leadership) => {
        told.push('leads');
        return { done: leadership.release() };
      },
      follow: () => ({ done: Promise.resolve(void told.push('follows')) }),
    };
    await a.cache.open(valueReading(app('k')), boardings);
    expect(told.splice(0)).toEqual(['expects', 'leads']);

    const seen = await a.cache.look(valueReading(app('k')));
    let finish: (value: string) => void = () => {};
    const loading = b.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    await seen.open(boardings);
    expect(told.splice(0)).toEqual(['expects', 'follows']);

    finish('v');
    await (
      await loading
    ).stored;
    await a.cache.open(valueReading(app('k')), boardings);
    expect(told).toEqual([]);
  });

  test('the callers of one process share what they read and ask for the lease once', async () => {
    const loader = jest.fn(async () => 'v');
    const executed = await redis.commandsOf(() =>
      Promise.all(Array.from({ length: 500 }, () => a.aside.getOrLoad(app('k'), loader))),
    );
    expect(loader).toHaveBeenCalledTimes(1);
    // A version for its family, the lease and the fill.
    expect((executed['evalsha'] ?? 0) + (executed['eval'] ?? 0)).toBeLessThan(10);
    if (place === 'one server') expect(executed['mget']).toBeLessThan(10);
  });

  test('trap 2: a failing loader with staggered callers never runs twice at once', async () => {
    let running = 0;
    let most = 0;
    const loader = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      throw new Error('origin says no');
    };
    const callers: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n += 1) {
      callers.push((n % 2 === 0 ? a : b).aside.getOrLoad(app('k'), loader));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const results = await Promise.allSettled(callers);
    expect(most).toBe(1);
    expect(results.every((one) => one.status === 'rejected' && one.reason.message === 'origin says no')).toBe(true);
    expect(await redis.keys('*')).toEqual([FAMILY_VERSION]);
  });

  test('trap 21: a load goes on for those who stay, and is given up when the last has left', async () => {
    const given = Promise.withResolvers<unknown>();
    let finish: (value: string) => void = () => {};
    const loader = ({ signal }: { signal: AbortSignal }) =>
      new Promise<string>((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () => (given.resolve('up'), reject(new Error('given up'))));
      });
    const callers = [new AbortController(), new AbortController()];
    const [first, second] = callers.map(({ signal }) => a.aside.getOrLoad(app('k'), loader, { signal }));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    callers[0]?.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const elsewhere = load(b, 'k', 'theirs');
    callers[1]?.abort(new Error('gone too'));
    await expect(second).rejects.toThrow('gone too');
    expect(await given.promise).toBe('up');
    expect(await elsewhere).toMatchObject({ value: 'theirs' });
    // Who came last did not have to wait for what the others had given up.
    const stays = new AbortController();
    await a.cache.invalidate({ ref: app('k') });
    const leaver = a.aside.getOrLoad(app('k'), loader, { signal: stays.signal });
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    const joined = a.counts.get('joined') ?? 0;
    const stayer = a.aside.getOrLoad(app('k'), loader);
    await until(() => (a.counts.get('joined') ?? 0) > joined);
    stays.abort(new Error('gone'));
    await expect(leaver).rejects.toThrow('gone');
    finish('for the other');
    expect(await stayer).toMatchObject({ value: 'for the other', source: 'joined' });
  });

  test('a load anew replaces on success, costs nothing on failure, and answers who accepts nothing older', async () => {
    await (
      await load(a, 'k', 'old')
    ).stored;
    const failing = a.aside.getOrLoad(app('k'), () => Promise.reject(new Error('no')), { anew: true });
    await expect(failing).rejects.toThrow('no');
    expect(await load(b, 'k', 'never')).toMatchObject({ value: 'old', source: 'hit' });
    let finish: (value: string) => void = () => {};
    const anew = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)), { anew: true });
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    const listens = jest.spyOn(b.roles.subscriptions('cache'), 'on');
    const strict = b.aside.getOrLoad(app('k'), async () => 'never', { accept: ({ value }) => value !== 'old' });
    // It has seen the lease, and follows who holds it.
    await until(() => listens.mock.calls.length > 0);
    finish('new');
    expect(await anew).toMatchObject({ value: 'new', source: 'loaded' });
    expect(await strict).toMatchObject({ value: 'new', source: 'followed' });
  });

  test('a dead leader costs at most the lease', async () => {
    const dead = await stage.start({ leaseMs: 2000 });
    void dead.aside.getOrLoad(app('k'), () => new Promise(() => {}), { hardTimeoutMs: null });
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    const waiting = load(b, 'k', 'mine');
    await stage.stop(dead);
    expect(await waiting).toMatchObject({ value: 'mine', source: 'loaded' });
  });

  test('a living leader may take longer than the lease', async () => {
    a = await stage.start({ leaseMs: 6000 });
    const left = () => raw.pttl('lease:{app:k}');
    const loader = jest.fn(async () => {
      // Until its lease has more time before it than it had: it is prolonged for as long as this goes on.
      let last = await left();
      await until(async () => {
        const before = last;
        last = await left();
        return last > before;
      });
      return 'slow';
    });
    const first = a.aside.getOrLoad(app('k'), loader);
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    expect(await b.aside.getOrLoad(app('k'), loader)).toMatchObject({ value: 'slow', source: 'followed' });
    expect(await (await first).stored).toBe('stored');
    expect(loader).toHaveBeenCalledTimes(1);
  });
});
