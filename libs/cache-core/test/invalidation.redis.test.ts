import { until } from '@promptsales/test-kit';
import { companions, keyspace, type EntryLabels } from '../src/index.js';
import { cacheProcess, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

onEveryPlace('invalidation', cacheProcess, (stage) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  const app = (key: string) => keyspace.appValue.at({ key });
  const load = (process: Process, key: string, value: unknown, labels: EntryLabels = {}) =>
    process.aside.getOrLoad(app(key), async () => value, { labels });
  const store = async (process: Process, key: string, value: unknown, labels: EntryLabels = {}) => {
    expect(await (await load(process, key, value, labels)).stored).toBe('stored');
  };

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  describe('eventual', () => {
    const eventual = { how: 'eventual' } as const;

    test('is noted at once, holds for this process from then on, and for others once it is applied', async () => {
      const labels = { tags: ['x'] };
      for (const key of ['k1', 'k2', 'k3']) await store(a, key, 'old', labels);
      const noted = [
        await a.cache.invalidate({ ref: app('k1') }, eventual),
        await a.cache.invalidate({ ref: app('k1') }, eventual),
        await a.cache.invalidateTag('x', 'default', eventual),
      ];
      expect(noted).toEqual(Array(3).fill({ deleted: null, pending: true }));
      expect(a.cache.pendingInvalidations).toBe(2);
      for (const key of ['k1', 'k2']) expect((await load(a, key, 'new', labels)).value).toBe('new');
      await until(async () => a.cache.pendingInvalidations === 0);
      expect(await load(b, 'k3', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
    });

    test('defeats loads in flight once it is applied', async () => {
      let finish: (value: string) => void = () => {};
      const slow = b.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
      await until(async () => (await raw.exists('lease:{app:k}')) === 1);
      await a.cache.invalidate({ ref: app('k') }, eventual);
      await until(async () => a.cache.pendingInvalidations === 0);
      finish('old');
      expect(await (await slow).stored).toBe('superseded');
    });

    test('in great numbers does not wait, and does not become the removal of a whole family', async () => {
      await store(b, 'bystander', 'kept');
      for (let chunk = 0; chunk < 20; chunk += 1) {
        const noted = Array.from({ length: 1000 }, (_, n) =>
          a.cache.invalidate({ ref: app(`k${chunk}-${n}`) }, eventual),
        );
        await Promise.all(noted);
      }
      await until(async () => a.cache.pendingInvalidations === 0);
      expect(await load(a, 'bystander', 'no')).toMatchObject({ value: 'kept', source: 'hit' });
    });
  });

  describe('what versions leave behind for other readers', () => {
    test('is removed by a sweep; what was loaded anew, what is valid and what is not ours stays', async () => {
      await store(a, 'left', 'old', { tags: ['x'] });
      await store(a, 'anew', 'old', { tags: ['x'] });
      await store(a, 'other', 'kept', { tags: ['y'] });
      await raw.set('app:foreign', '"theirs"');
      const answer = {
        ref: keyspace.llmModels.at({ hash: 'a'.repeat(64) }),
        parts: [companions.frames],
        labels: { tags: ['x'] },
      };
      await a.cache.put(answer, {
        stored: [Buffer.from('{}')],
        parts: new Map([[companions.frames, Buffer.from('f')]]),
      });
      await b.cache.invalidateTag('x');
      await store(a, 'anew', 'new', { tags: ['x'] });
      expect(await raw.exists('app:left')).toBe(1);
      expect(await b.cache.sweepLeftovers()).toBe(2);
      const gone = ['app:left', 'meta:{app:left}', answer.ref.key, `frames:{${answer.ref.key}}`];
      expect(await redis.existing(...gone)).toEqual([]);
      for (const [key, value] of [
        ['anew', 'new'],
        ['other', 'kept'],
        ['foreign', 'theirs'],
      ] as const) {
        expect(await load(b, key, 'no')).toMatchObject({ value, source: 'hit' });
      }
      expect(await a.cache.sweepLeftovers()).toBe(0);
    });

    test('goes in the background, one pass for many invalidations', async () => {
      const leftovers = { delayMs: 20, everyMs: 20, keysAStep: 3, pauseMs: 0 };
      const c = await stage.start({ leftovers });
      for (let n = 0; n < 30; n += 1) await store(c, `k${n}`, n, { tags: [`t${n % 10}`] });
      for (let n = 0; n < 10; n += 1) await c.cache.invalidateTag(`t${n}`);
      await until(async () => (await redis.keys('app:*')).length === 0);
      await store(c, 'late', 1, { namespace: 'n' });
      await c.cache.invalidateNamespace('n');
      await until(async () => (await raw.exists('app:late')) === 0);
      expect(await redis.keys('meta:*')).toEqual([]);
    });

    test('goes as soon as it is allowed to; until then the process lives, and counts', async () => {
      const c = await stage.start({ leftovers: { delayMs: 1, everyMs: 1, keysAStep: 100, pauseMs: 0 } });
      await store(c, 'k', 'old', { tags: ['x'] });
      await redis.rule('-scan');
      try {
        await c.cache.invalidateTag('x');
        await until(async () => (c.counts.get('sweep failed') ?? 0) > 1);
        expect(await raw.exists('app:k')).toBe(1);
      } finally {
        await redis.rule('+scan');
      }
      await until(async () => (await raw.exists('app:k')) === 0);
    });

    test('trap 3: keys of a neighbour, whose prefix begins like ours, are not looked at', async () => {
      const ours = await stage.start({ keyPrefix: 'p:' });
      const neighbour = await stage.start({ keyPrefix: 'p:q:' });
      await store(ours, 'k', 1, { tags: ['x'] });
      await store(neighbour, 'k', 1, { tags: ['x'] });
      await ours.cache.invalidateTag('x');
      expect(await ours.cache.sweepLeftovers()).toBe(1);
      expect(await neighbour.cache.sweepLeftovers()).toBe(0);
      expect(await raw.exists('p:q:app:k')).toBe(1);
    });

    test('never holds a load that is under way back', async () => {
      await store(a, 'k', 'old', { tags: ['x'] });
      await b.cache.invalidateTag('x');
      let finish: (value: string) => void = () => {};
      const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)), {
        labels: { tags: ['x'] },
      });
      await until(async () => (await raw.exists('lease:{app:k}')) === 1);
      expect(await b.cache.sweepLeftovers()).toBe(1);
      finish('new');
      expect(await (await slow).stored).toBe('stored');
      expect(await load(b, 'k', 'no')).toMatchObject({ value: 'new', source: 'hit' });
    });
  });
});
