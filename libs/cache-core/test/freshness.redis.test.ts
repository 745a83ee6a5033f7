import { until } from '@promptsales/test-kit';
import { absent, keyspace, unchanged, type KeyRef, type LoadContext, type LoadOptions } from '../src/index.js';
import { cacheProcess, untilUp, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

onEveryPlace('freshness', cacheProcess, (stage) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  const app = (key: string) => keyspace.appValue.at({ key });
  /** Fresh for a thousand seconds, unless made stale. */
  const FRESH: LoadOptions = { freshSeconds: 1000, jitter: 0, beta: 0 };
  const load = (process: Process, key: string, value: unknown, options: LoadOptions = {}) =>
    process.aside.getOrLoad(app(key), async () => value, { ...FRESH, ...options });
  const store = async (process: Process, key: string, value: unknown, options: LoadOptions = {}) => {
    expect(await (await load(process, key, value, options)).stored).toBe('stored');
  };
  const sidecarOf = async (key: string) => JSON.parse((await raw.get(`meta:{app:${key}}`)) as string) as unknown[];
  /** As if its freshness had ended so many seconds ago. */
  const makeStale = async (key: string, secondsAgo = 1) => {
    const sidecar = await sidecarOf(key);
    const [seconds, micros] = (await raw.time()) as [number, number];
    sidecar[3] = seconds * 1000 + Math.floor(micros / 1000) - secondsAgo * 1000;
    await raw.set(`meta:{app:${key}}`, JSON.stringify(sidecar), 'KEEPTTL');
  };
  const pending = () => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    return { loader: jest.fn((_context: LoadContext<unknown>) => promise), resolve, reject };
  };

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('the documented time to live is the time in Redis; freshness is a border inside it', async () => {
    await store(a, 'k', 1, { freshSeconds: 100, jitter: 0.5 });
    expect(await raw.ttl('app:k')).toBeGreaterThan(3590);
    const [, , storedAt, freshUntil, expiresAt] = (await sidecarOf('k')) as number[];
    expect((expiresAt as number) - (storedAt as number)).toBe(3_600_000);
    const freshMs = (freshUntil as number) - (storedAt as number);
    expect(freshMs).toBeGreaterThanOrEqual(50_000);
    expect(freshMs).toBeLessThanOrEqual(100_000);
  });

  test('a stale value is served at once, and loaded anew once over all processes', async () => {
    await store(a, 'k', 'old');
    await makeStale('k');
    const { loader, resolve } = pending();
    const get = (process: Process) => process.aside.getOrLoad(app('k'), loader, FRESH);
    for (const process of [a, b, a, b]) expect(await get(process)).toMatchObject({ value: 'old', source: 'stale' });
    await until(async () => loader.mock.calls.length === 1);
    for (const process of [a, b, a, b]) expect(await get(process)).toMatchObject({ value: 'old', source: 'stale' });
    resolve('new');
    await until(async () => (await get(b)).source === 'hit');
    expect(await get(a)).toMatchObject({ value: 'new', source: 'hit' });
    expect(loader).toHaveBeenCalledTimes(1);
    expect(loader.mock.calls[0]?.[0].stale).toMatchObject({ value: 'old' });
  });

  test('a fresh value that the lot falls on is refreshed behind its reader, once', async () => {
    await Promise.all([a, b].map(stage.stop));
    [a, b] = await Promise.all([stage.start({ random: () => 1 - 1e-12 }), stage.start({ random: () => 0 })]);
    const slow = async () => (await new Promise((resolve) => setTimeout(resolve, 30)), 'old');
    // 30 ms of load at 100 times -ln(1e-12), which is 27.6: within 80 s of its end.
    const eager = { freshSeconds: 60, jitter: 0, beta: 100 };
    await (
      await a.aside.getOrLoad(app('k'), slow, eager)
    ).stored;
    const { loader, resolve } = pending();
    expect(await b.aside.getOrLoad(app('k'), loader, eager)).toMatchObject({ value: 'old', source: 'hit' });
    expect(await a.aside.getOrLoad(app('k'), loader, eager)).toMatchObject({ value: 'old', source: 'hit' });
    await until(async () => loader.mock.calls.length === 1);
    resolve('new');
    await until(async () => (await raw.get('app:k')) === '"new"');
    expect(loader).toHaveBeenCalledTimes(1);
  });

  test('a caller with patience waits for the load so long, then has the stale value, and the load goes on', async () => {
    await store(a, 'k', 'old');
    await makeStale('k');
    const patient = { ...FRESH, softTimeoutMs: 60_000 };
    const quick = await a.aside.getOrLoad(app('k'), async () => 'new', patient);
    expect(quick).toMatchObject({ value: 'new', source: 'loaded' });
    await quick.stored;
    await makeStale('k');
    const { loader, resolve } = pending();
    const slow = await b.aside.getOrLoad(app('k'), loader, { ...FRESH, softTimeoutMs: 20 });
    expect(slow).toMatchObject({ value: 'new', source: 'stale' });
    expect(loader.mock.calls[0]?.[0].signal.aborted).toBe(false);
    resolve('newest');
    await until(async () => (await raw.get('app:k')) === '"newest"');
  });

  test('trap 2: a load that fails costs nobody the stale value within its grace, and is not tried again at once', async () => {
    await store(a, 'k', 'old');
    await makeStale('k');
    const loader = jest.fn(() => Promise.reject(new Error('origin says no')));
    const patient = { ...FRESH, softTimeoutMs: null, errorBackoffMs: 60_000 };
    const get = () => a.aside.getOrLoad(app('k'), loader, patient);
    const together = await Promise.all([get(), get(), get()]);
    expect(together.map(({ value, source }) => [value, source])).toEqual(Array(3).fill(['old', 'stale']));
    for (let n = 0; n < 3; n += 1) expect(await get()).toMatchObject({ value: 'old', source: 'stale' });
    expect(loader).toHaveBeenCalledTimes(1);
    expect(a.counts.get('stale failed')).toBe(3);
    expect(a.counts.get('stale backing_off')).toBe(3);
  });

  test('past its grace a stale value serves nobody', async () => {
    await store(a, 'k', 'old');
    await makeStale('k', 11);
    const loader = () => Promise.reject(new Error('origin says no'));
    const get = (graceSeconds: number) => a.aside.getOrLoad(app('k'), loader, { ...FRESH, graceSeconds });
    await expect(get(10)).rejects.toThrow('origin says no');
    expect(await get(60)).toMatchObject({ value: 'old', source: 'stale' });
  });

  test('an invalidated value is not served as a stale one', async () => {
    await store(a, 'k', 'old', { labels: { tags: ['x'] } });
    await makeStale('k');
    await b.cache.invalidateTag('x');
    await expect(a.aside.getOrLoad(app('k'), () => Promise.reject(new Error('no')), FRESH)).rejects.toThrow('no');
  });

  test('a refresh that an invalidation overtakes is not stored', async () => {
    await store(a, 'k', 'old');
    await makeStale('k');
    const { loader, resolve } = pending();
    await a.aside.getOrLoad(app('k'), loader, FRESH);
    await until(async () => loader.mock.calls.length === 1);
    await b.cache.invalidate({ ref: app('k') });
    resolve('loaded before the change');
    await until(async () => a.counts.get('fill superseded') === 1);
    expect(await load(b, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
  });

  describe('a load that takes too long', () => {
    test('is aborted, gives its lease back, and is an error for all who wait', async () => {
      const signals: AbortSignal[] = [];
      const deaf = ({ signal }: LoadContext<unknown>) => (signals.push(signal), new Promise<unknown>(() => {}));
      const hang = () => a.aside.getOrLoad(app('k'), deaf, { ...FRESH, hardTimeoutMs: 300 });
      const callers = await Promise.allSettled([hang(), hang(), hang()]);
      for (const caller of callers) {
        expect(caller).toMatchObject({ status: 'rejected', reason: { code: 'load_timeout', family: 'app.value' } });
      }
      expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
      await until(async () => (await raw.exists('lease:{app:k}')) === 0);
      expect(await load(b, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
    });

    test('is a stale value for those who have one', async () => {
      await store(a, 'k', 'old');
      await makeStale('k');
      const hang = { ...FRESH, softTimeoutMs: null, hardTimeoutMs: 30 };
      expect(await a.aside.getOrLoad(app('k'), () => new Promise<unknown>(() => {}), hang)).toMatchObject({
        value: 'old',
        source: 'stale',
      });
    });
  });

  describe('what the origin does not have', () => {
    const negative = { ...FRESH, negativeTtlSeconds: 30 };
    const none = async (): Promise<typeof absent> => absent;

    test('is remembered for its own time, in the sidecar alone: another reader sees no key', async () => {
      const first = await a.aside.getOrLoad(app('k'), none, negative);
      expect(first).toMatchObject({ value: absent, source: 'loaded' });
      expect(await first.stored).toBe('stored');
      expect(await raw.exists('app:k')).toBe(0);
      expect(await raw.ttl('meta:{app:k}')).toBeLessThanOrEqual(30);
      const loader = jest.fn(none);
      expect(await b.aside.getOrLoad(app('k'), loader, negative)).toMatchObject({ value: absent, source: 'hit' });
      expect(loader).not.toHaveBeenCalled();
    });

    test('is a miss for who does not ask for absences, and gives way to a value', async () => {
      await (
        await a.aside.getOrLoad(app('k'), none, negative)
      ).stored;
      await store(b, 'k', 'here');
      expect(await a.aside.getOrLoad(app('k'), none, negative)).toMatchObject({ value: 'here', source: 'hit' });
    });

    test('is forgotten by an invalidation, of its key or of what it is under', async () => {
      const labelled = { ...negative, labels: { tags: ['x'] } };
      for (const invalidate of [() => b.cache.invalidate({ ref: app('k') }), () => b.cache.invalidateTag('x')]) {
        await (
          await a.aside.getOrLoad(app('k'), none, labelled)
        ).stored;
        await invalidate();
        const found = await a.aside.getOrLoad(app('k'), async () => 'new', labelled);
        expect(found).toMatchObject({ value: 'new', source: 'loaded' });
        await found.stored;
        await a.cache.invalidate({ ref: app('k') });
      }
    });

    test('is told and not remembered where nothing says for how long', async () => {
      const loader = jest.fn(none);
      for (let n = 0; n < 2; n += 1) {
        const told = await a.aside.getOrLoad(app('k'), loader, FRESH);
        expect(told).toMatchObject({ value: absent, source: 'loaded' });
        expect(await told.stored).toBe('dropped');
      }
      expect(loader).toHaveBeenCalledTimes(2);
      expect(await redis.keys('*k*')).toEqual([]);
    });

    test('is no match for what another system writes', async () => {
      await (
        await a.aside.getOrLoad(app('k'), none, negative)
      ).stored;
      await raw.set('app:k', '"theirs"');
      expect(await b.aside.getOrLoad(app('k'), none, negative)).toMatchObject({ value: 'theirs', source: 'hit' });
    });
  });

  describe('a loader that finds what it was given unchanged', () => {
    const refreshed = { ...FRESH, softTimeoutMs: null };
    const same = async ({ stale }: LoadContext<unknown>) => (stale === null ? 'first' : unchanged);

    test('has it stored with new times and not written again', async () => {
      await store(a, 'k', 'old', { ttlSeconds: 100, freshSeconds: 10 });
      await makeStale('k');
      const before = await sidecarOf('k');
      const loaded = await b.aside.getOrLoad(app('k'), same, refreshed);
      expect(loaded).toMatchObject({ value: 'old', source: 'loaded' });
      expect(await loaded.stored).toBe('stored');
      const after = await sidecarOf('k');
      expect(after[6]).toEqual(before[6]);
      expect(after[3] as number).toBeGreaterThan(before[3] as number);
      expect(await raw.ttl('app:k')).toBeGreaterThan(3500);
      expect(await load(a, 'k', 'no')).toMatchObject({ value: 'old', source: 'hit' });
    });

    test('loses to an invalidation that came meanwhile', async () => {
      await store(a, 'k', 'old');
      await makeStale('k');
      const { loader, resolve } = pending();
      const slow = a.aside.getOrLoad(app('k'), loader, refreshed);
      await until(async () => loader.mock.calls.length === 1);
      await b.cache.invalidate({ ref: app('k') });
      resolve(unchanged);
      expect(await (await slow).stored).toBe('superseded');
      expect(await raw.exists('app:k')).toBe(0);
    });

    test('must have been given something', async () => {
      await expect(a.aside.getOrLoad(app('k'), async () => unchanged, FRESH)).rejects.toThrow(
        expect.objectContaining({ code: 'value_shape' }),
      );
      expect(await redis.keys('*k*')).toEqual([]);
    });
  });

  test.each<[string, KeyRef, () => unknown]>([
    ['undefined', app('bad'), () => undefined],
    ['a bigint', app('bad'), () => 1n],
    ['a cycle', app('bad'), cycle],
    ['a value against the schema', keyspace.surfsense.at({ empresa_normalizada: 'x' }), () => 7],
  ])(
    'bad input: a loader that returns %s is an error by its code, and nothing is half written',
    async (_what, ref, make) => {
      const loading = a.aside.getOrLoad(ref, async () => make() as never);
      await expect(loading).rejects.toThrow(expect.objectContaining({ name: 'KeyspaceError', code: 'value_shape' }));
      expect(await redis.keys('*')).toEqual([`version:family:default:${ref.family.id}`]);
    },
  );

  test('bad input: a loader that throws, synchronously too, gives its lease back', async () => {
    const thrower = (): Promise<unknown> => {
      throw new Error('at once');
    };
    await expect(a.aside.getOrLoad(app('k'), thrower)).rejects.toThrow('at once');
    expect(await redis.keys('*k*')).toEqual([]);
  });

  test('as many loads as are allowed run at once, Redis or not; a stale value stands in for what is refused', async () => {
    await stage.stop(a);
    const loads = { maxConcurrent: 2, maxQueued: 1, maxWaitMs: 60_000 };
    a = await stage.start({ loading: { 'app.value': { loads } } });
    await store(b, 'stale', 'old');
    await makeStale('stale');
    for (const away of [false, true]) {
      if (away) {
        redis.freeze();
        await until(async () => !a.roles.link('cache').up);
      }
      const works = [pending(), pending(), pending(), pending()];
      const callers = works.map(({ loader }, n) => a.aside.getOrLoad(app(`${away}${n}`), loader));
      await until(async () => works.filter(({ loader }) => loader.mock.calls.length > 0).length === 2);
      const refused = await Promise.race(
        callers.map((caller) =>
          caller.then(
            () => null,
            (error: unknown) => error,
          ),
        ),
      );
      expect(refused).toMatchObject({ code: 'loads_exhausted', family: 'app.value' });
      if (!away) {
        const patient = { ...FRESH, softTimeoutMs: null };
        expect(await a.aside.getOrLoad(app('stale'), async () => 'x', patient)).toMatchObject({ value: 'old' });
      }
      for (const { resolve } of works) resolve('done');
      const results = await Promise.allSettled(callers);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    }
    redis.thaw();
    await untilUp(a, b);
  });

  describe('hold-off, for an origin whose replicas lag', () => {
    const withHoldOff = (ttlSeconds: number | null) =>
      stage.start({ loading: { 'app.value': { holdOff: { ms: 60_000, ttlSeconds } } } });

    test.each([
      ['a key', ({ cache }: Process) => cache.invalidate({ ref: app('k') })],
      ['a tag', ({ cache }: Process) => cache.invalidateTag('x')],
      ['the family', ({ cache }: Process) => cache.invalidateFamily(keyspace.appValue)],
    ])(
      'what is loaded right after the invalidation of %s is not stored, whoever loads it',
      async (_what, invalidate) => {
        const labels = { tags: ['x'] };
        const [c, d] = await Promise.all([withHoldOff(null), withHoldOff(null)]);
        await store(c, 'k', 'old', { labels });
        await invalidate(c);
        for (const process of [c, d, c]) {
          const loaded = await load(process, 'k', 'of a replica', { labels });
          expect(loaded).toMatchObject({ value: 'of a replica', source: 'loaded' });
          expect(await loaded.stored).toBe('held_off');
        }
        const anew = await load(d, 'k', 'of a replica', { labels, anew: true });
        expect(await anew.stored).toBe('held_off');
        expect(await raw.exists('lease:{app:k}')).toBe(0);
        // What is written is no replica's.
        expect(await d.cache.put({ ref: app('k'), labels }, { stored: [Buffer.from('"written"')] })).toBe('stored');
        expect(await load(c, 'k', 'no', { labels })).toMatchObject({ value: 'written', source: 'hit' });
      },
    );

    test('or is stored for a short time', async () => {
      const c = await withHoldOff(2);
      await c.cache.invalidate({ ref: app('k') });
      const loaded = await load(c, 'k', 'of a replica');
      expect(await loaded.stored).toBe('stored');
      expect(await raw.ttl('app:k')).toBeLessThanOrEqual(2);
    });

    test('what another system writes meanwhile is a hit', async () => {
      const c = await withHoldOff(null);
      await c.cache.invalidate({ ref: app('k') });
      await raw.set('app:k', '"theirs"');
      expect(await load(c, 'k', 'no')).toMatchObject({ value: 'theirs', source: 'hit' });
    });
  });
});

function cycle(): unknown {
  const ring: unknown[] = [];
  ring.push(ring);
  return ring;
}
