import { until } from '@promptsales/test-kit';
import { absent, keyspace, type KeyRef, type Loaded } from '../src/index.js';
import { cacheProcess, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

type App = typeof keyspace.appValue;

onEveryPlace('many values at once', cacheProcess, (stage) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  const app = (key: string | number): KeyRef<App> => keyspace.appValue.at({ key: String(key) });
  const refs = (...keys: (string | number)[]) => keys.map(app);
  const loader = () => jest.fn(async (wanted: readonly KeyRef<App>[]) => wanted.map(({ key }) => `value of ${key}`));
  const allStored = (loaded: readonly Loaded<unknown>[]) => Promise.all(loaded.map(async ({ stored }) => stored));
  const values = (loaded: readonly { value: unknown }[]) => loaded.map(({ value }) => value);

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('trap 16: results stand in the order of the refs, whatever was stored, loaded or named twice', async () => {
    for (const key of [2, 4]) await (await a.aside.getOrLoad(app(key), async () => `stored ${key}`)).stored;
    const loadMany = loader();
    const loaded = await b.aside.getMany(refs(5, 2, 1, 4, 1, 3), loadMany);
    expect(values(loaded)).toEqual([
      'value of app:5',
      'stored 2',
      'value of app:1',
      'stored 4',
      'value of app:1',
      'value of app:3',
    ]);
    expect(loaded.map(({ source }) => source)).toEqual(['loaded', 'hit', 'loaded', 'hit', 'loaded', 'loaded']);
    // In one call, in the order in which their servers answered.
    const asked = loadMany.mock.calls.map(([wanted]) => wanted.map(({ key }) => key).toSorted());
    expect(asked).toEqual([['app:1', 'app:3', 'app:5']]);
    await allStored(loaded);
    expect(values(await a.aside.getMany(refs(3, 5), loader()))).toEqual(['value of app:3', 'value of app:5']);
  });

  test('none are none, and nobody is asked', async () => {
    const loadMany = loader();
    expect(await a.aside.getMany([], loadMany)).toEqual([]);
    expect(loadMany).not.toHaveBeenCalled();
  });

  test('hits are read together', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => n);
    const loaded = await a.aside.getMany(refs(...keys), loader());
    await allStored(loaded);
    const loadMany = loader();
    const executed = await redis.commandsOf(() => a.aside.getMany(refs(...keys), loadMany));
    expect(loadMany).not.toHaveBeenCalled();
    expect(Object.keys(executed)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^eval/)]));
  });

  test('entries of several tenants, under tags that nobody names, and in memory are served together', async () => {
    await stage.stop(b);
    b = await stage.start({ l1: {} });
    const theirs = keyspace.appValue.at({ key: 'theirs' }, 'acme');
    const wanted = [app('tagged'), app('plain'), theirs, app('there')];
    for (const [at, ref] of wanted.entries()) {
      const options = at === 0 ? { labels: { tags: ['campaign'] } } : {};
      await (
        await a.aside.getOrLoad(ref, async () => `value ${at}`, options)
      ).stored;
    }
    await b.aside.getMany([app('there')], loader());
    const all = wanted.map((_, at) => `value ${at}`);
    expect(values(await b.aside.getMany(wanted, loader()))).toEqual(all);
    expect(values(await b.aside.getMany(wanted, loader()))).toEqual(all);
    await a.cache.invalidateTag('campaign');
    // Within the bound of L1 the other process may still have the old one.
    await until(async () => b.aside.warm(app('tagged')) === undefined);
    expect(values(await b.aside.getMany(wanted, loader()))).toEqual(['value of app:tagged', ...all.slice(1)]);
  });

  test('what is stale is served and loaded anew behind the caller', async () => {
    const options = { freshSeconds: 0.001, jitter: 0, beta: 0 };
    await allStored(await a.aside.getMany(refs(1, 2), async () => ['old', 'old'], options));
    const read = () => a.aside.getMany(refs(1, 2), async (wanted) => wanted.map(() => 'new'), options);
    await until(async () => (await read()).every(({ value }) => value === 'new'));
    // Each reading that finds them stale makes them fresh again, for a millisecond.
    let loaded = await read();
    while (loaded.some(({ source }) => source === 'hit')) loaded = await read();
    expect(loaded.map(({ source }) => source)).toEqual(['stale', 'stale']);
  });

  test('what this process has invalidated while Redis was away is not read before Redis knows', async () => {
    await allStored(await a.aside.getMany(refs(1, 2), loader()));
    redis.freeze();
    await until(async () => !a.roles.link('cache').up);
    await a.cache.invalidate({ ref: app(1) });
    redis.thaw();
    await a.roles.link('cache').untilUp(60_000);
    const newer = jest.fn(async (wanted: readonly KeyRef<App>[]) => wanted.map(({ key }) => `newer ${key}`));
    expect(values(await a.aside.getMany(refs(1, 2), newer))).toEqual(['newer app:1', 'value of app:2']);
  });

  test('what others load is awaited, and what two calls want is loaded once', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const single = b.aside.getOrLoad(app(1), () => promise);
    await until(async () => (await raw.exists('lease:{app:1}')) === 1);
    const [first, second] = [loader(), loader()];
    const many = [a.aside.getMany(refs(1, 2, 3), first), a.aside.getMany(refs(3, 2, 1, 4), second)];
    await until(async () => (await redis.existing('app:2', 'app:3', 'app:4')).length === 3);
    resolve('from elsewhere');
    expect((await Promise.all(many)).map(values)).toEqual([
      ['from elsewhere', 'value of app:2', 'value of app:3'],
      ['value of app:3', 'value of app:2', 'from elsewhere', 'value of app:4'],
    ]);
    await single;
    const asked = [...first.mock.calls, ...second.mock.calls].flatMap(([wanted]) => wanted.map(({ key }) => key));
    expect(asked.toSorted()).toEqual(['app:2', 'app:3', 'app:4']);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('origin says no')), 'origin says no'],
    ['answers with too few', async () => ['only one'], 'one value for each ref'],
    ['answers with something else', async () => 'nothing like it' as never, 'one value for each ref'],
    ['has one that is no value', async () => ['fine', undefined], 'undefined is no value'],
  ])('bad input: a loader that %s is an error, and every lease is given back', async (_what, loadMany, message) => {
    await expect(a.aside.getMany(refs(1, 2), loadMany)).rejects.toThrow(message);
    await until(async () => (await redis.keys('lease:*')).length === 0);
    expect(await raw.exists('app:2')).toBe(0);
  });

  test('absences are answers like others', async () => {
    const options = { negativeTtlSeconds: 30 };
    const loaded = await a.aside.getMany(refs(1, 2), async () => ['one', absent], options);
    await allStored(loaded);
    expect(values(await b.aside.getMany(refs(2, 1), loader(), options))).toEqual([absent, 'one']);
  });

  test('more than may be loaded at once is still one load, and works without Redis', async () => {
    await stage.stop(a);
    const loads = { maxConcurrent: 1, maxQueued: 0, maxWaitMs: 0 };
    a = await stage.start({ loading: { 'app.value': { loads } } });
    const keys = Array.from({ length: 20 }, (_, n) => n);
    const loaded = await a.aside.getMany(refs(...keys), loader());
    expect(loaded).toHaveLength(20);
    // Whoever comes while one of them is still being stored shares it.
    await allStored(loaded);
    redis.freeze();
    await until(async () => !a.roles.link('cache').up);
    const loadMany = loader();
    expect(values(await a.aside.getMany(refs(1, 2), loadMany))).toEqual(['value of app:1', 'value of app:2']);
    expect(loadMany).toHaveBeenCalledTimes(1);
    redis.thaw();
    await Promise.all([a, b].map((one) => one.roles.link('cache').untilUp(60_000)));
  });
});
