import * as fc from 'fast-check';
import { until } from '@promptsales/test-kit';
import { keyspace, MOST_TAGS, type EntryLabels } from '../src/index.js';
import { cacheProcess, untilUp, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

const FAMILY = 'version:family:default:app.value';
const TAG_X = 'version:tag:default:x';
const NAMESPACE_N = 'version:namespace:default:n';

onEveryPlace('versions of families, namespaces and tags', cacheProcess, (stage, place) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  const app = (key: string, tenant?: string) => keyspace.appValue.at({ key }, tenant);
  const load = (process: Process, key: string, value: unknown, labels: EntryLabels = {}) =>
    process.aside.getOrLoad(app(key), async () => value, { labels });
  const store = async (process: Process, key: string, value: unknown, labels: EntryLabels = {}) => {
    expect(await (await load(process, key, value, labels)).stored).toBe('stored');
  };

  /** What is invalidated, how, and where its version is. */
  const SUBJECTS = [
    ['a tag', { tags: ['w', 'x'] }, ({ cache }: Process) => cache.invalidateTag('x'), TAG_X],
    ['a namespace', { namespace: 'n' }, ({ cache }: Process) => cache.invalidateNamespace('n'), NAMESPACE_N],
    ['a family', {}, ({ cache }: Process) => cache.invalidateFamily(keyspace.appValue), FAMILY],
  ] as const;

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  describe.each(SUBJECTS)('%s', (_what, labels, invalidate, version) => {
    test('is invalidated in one step, for every process, whoever stored and whoever reads', async () => {
      for (const key of ['k1', 'k2', 'k3']) await store(a, key, 'old', labels);
      expect(await invalidate(b)).toEqual({ deleted: null, pending: false });
      for (const [n, process] of [a, b, a].entries()) {
        expect(await load(process, `k${n + 1}`, 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
      }
      expect(a.counts.get('unusable version')).toBe(2);
      await until(async () => (await load(b, 'k3', 'newest', labels)).source === 'hit');
      expect((await load(b, 'k1', 'newest')).value).toBe('new');
    });

    test('trap 1: an invalidation while a load is in flight keeps its value from whoever comes later', async () => {
      for (const invalidator of [a, b]) {
        let finish: (value: string) => void = () => {};
        const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)), { labels });
        await until(async () => (await raw.exists('lease:{app:k}')) === 1);
        expect(await invalidate(invalidator)).toEqual({ deleted: null, pending: false });
        // Not even in the same process does anybody wait for the load that is too old.
        const later = await load(a, 'k', 'new', labels);
        expect(later).toMatchObject({ value: 'new', source: 'loaded' });
        finish('old');
        expect((await slow).value).toBe('old');
        expect(await (await slow).stored).toBe('superseded');
        expect(await load(b, 'k', 'never', labels)).toMatchObject({ value: 'new', source: 'hit' });
        await a.cache.invalidate({ ref: app('k') });
      }
    });

    test('trap 1: a load that nobody displaced is stored under the version that it began with, and is a miss', async () => {
      let finish: (value: string) => void = () => {};
      const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)), { labels });
      await until(async () => (await raw.exists('lease:{app:k}')) === 1);
      await invalidate(b);
      finish('old');
      expect(await (await slow).stored).toBe('stored');
      expect(await load(b, 'k', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
    });

    test('trap 6: a version that was lost (eviction) makes misses, and never revives what it invalidated', async () => {
      await store(a, 'k', 'old', labels);
      await invalidate(a);
      for (const key of await redis.keys('version:*')) await raw.del(key);
      expect(await load(b, 'k', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
      await until(async () => (await load(a, 'k', 'newest', labels)).source === 'hit');
    });

    test('trap 6: what is kept for it does not grow with the entries under it, nor with its invalidations', async () => {
      const kept = async (): Promise<[key: string, bytes: number][]> => {
        const keys = (await redis.keys('version:*')).toSorted();
        return Promise.all(keys.map(async (key) => [key, await raw.strlen(key)] as [string, number]));
      };
      await store(a, 'first', 'old', labels);
      await invalidate(b);
      const before = await kept();
      for (let n = 0; n < 100; n += 1) await store(a, `k${n}`, 'old', labels);
      for (let n = 0; n < 10; n += 1) await invalidate(b);
      expect(await kept()).toEqual(before);
      expect((await redis.keys('*')).filter((key) => !/^(app|meta|version):/.test(key))).toEqual([]);
    });

    test('while it is pending this process trusts nothing under it, and it is applied before anything is read', async () => {
      await store(a, 'k', 'old', labels);
      await store(a, 'other', 'kept', { tags: ['y'] });
      redis.freeze();
      await until(async () => !a.roles.link('cache').up);
      expect(await invalidate(a)).toEqual({ deleted: null, pending: true });
      expect(await load(a, 'k', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
      redis.thaw();
      await untilUp(a, b);
      expect(a.cache.pendingInvalidations).toBe(0);
      expect(await load(b, 'k', 'newer', labels)).toMatchObject({ value: 'newer', source: 'loaded' });
    });

    test('trap 1: nobody joins a load that began without Redis before it', async () => {
      redis.freeze();
      await until(async () => !a.roles.link('cache').up);
      let finish: ((value: string) => void) | undefined;
      const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)), { labels });
      await until(async () => finish !== undefined);
      await invalidate(a);
      expect(await load(a, 'k', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
      finish?.('old');
      expect((await slow).value).toBe('old');
      redis.thaw();
      await untilUp(a, b);
    });

    test('an acknowledged invalidation that a failover undid is applied again, under a version of its own', async () => {
      await store(a, 'k', 'old', labels);
      const before = (await raw.get(version)) as string;
      await invalidate(a);
      const bumped = await raw.get(version);
      // What a failover to a lagging replica brings back.
      await raw.set(version, before);
      await redis.restart(version);
      await until(async () => (await raw.get(version)) !== before);
      await untilUp(a, b);
      // Not the one of the first attempt: somebody may have loaded under it what yet another invalidation has ended.
      expect(await raw.get(version)).not.toBe(bumped);
      expect(await load(b, 'k', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
    });

    test('belongs to one tenant', async () => {
      await store(a, 'k', 'ours', labels);
      await (
        await a.aside.getOrLoad(app('k', 'acme'), async () => 'acme’s', { labels })
      ).stored;
      await invalidate(b);
      expect(await load(b, 'k', 'new', labels)).toMatchObject({ source: 'loaded' });
      expect(await b.aside.getOrLoad(app('k', 'acme'), async () => 'x', { labels })).toMatchObject({ source: 'hit' });
    });
  });

  test('a hit with all its labels named is one MGET for each slot; labels that were not named cost a second look', async () => {
    await store(a, 'k', 1, { tags: ['x', 'y'] });
    const executed = (labels: EntryLabels) =>
      redis.commandsOf(async () => expect(await load(a, 'k', 2, labels)).toMatchObject({ source: 'hit' }));
    const named = await executed({ tags: ['y', 'x'] });
    const unnamed = await executed({});
    // In a cluster the entry and its three versions lie in four slots, whatever was named.
    const mgets = place === 'a cluster' ? [4, 4] : [1, 2];
    expect([named['mget'], unnamed['mget']]).toEqual(mgets);
    const commands = [named, unnamed].flatMap((one) => Object.keys(one));
    expect(commands).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(eval|evalsha|get)$/)]));
  });

  test('an entry is under what it was stored with, whoever reads it', async () => {
    await store(a, 'k', 'v', { tags: ['x'] });
    await b.cache.invalidateTag('y');
    expect(await load(a, 'k', 'no', { tags: ['y'] })).toMatchObject({ source: 'hit' });
    await b.cache.invalidateTag('x');
    expect(await load(a, 'k', 'new', { tags: ['y'] })).toMatchObject({ source: 'loaded' });
  });

  test('what is recorded but was not named is not trusted either while its invalidation is pending', async () => {
    await store(a, 'k', 'old', { tags: ['x'] });
    await redis.config('min-replicas-to-write', '1');
    try {
      expect(await a.cache.invalidateTag('x')).toEqual({ deleted: null, pending: true });
      expect(await load(a, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
      expect(a.counts.get('bypass invalidation_pending')).toBe(1);
    } finally {
      await redis.config('min-replicas-to-write', '0');
    }
    await until(async () => a.cache.pendingInvalidations === 0);
    expect(await load(b, 'k', 'newer')).toMatchObject({ source: 'loaded' });
  });

  test('a put is under versions too', async () => {
    const entry = { ref: app('k'), labels: { tags: ['x'] } };
    expect(await a.cache.put(entry, { stored: [Buffer.from('"put"')] })).toBe('stored');
    expect(await load(b, 'k', 'no')).toMatchObject({ value: 'put', source: 'hit' });
    await b.cache.invalidateTag('x');
    expect(await load(a, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
  });

  test('an entry of an older process, under no version, is a miss: it could escape an invalidation', async () => {
    for (const ref of [app('k'), keyspace.llmModels.at({ hash: 'e'.repeat(64) })]) {
      const put = () => b.cache.put({ ref }, { stored: [Buffer.from('{}')] });
      const look = () => a.cache.lookup({ ref, decode: String });
      const sidecar = `meta:{${ref.key}}`;
      await put();
      expect(await look()).toMatchObject({ kind: 'hit' });
      const [, tenant, storedAt, , expiresAt, cost, prints, note] = JSON.parse((await raw.get(sidecar)) as string);
      await raw.set(sidecar, JSON.stringify([1, tenant, storedAt, expiresAt, cost, prints, note]));
      expect(await look()).toMatchObject({ kind: 'miss', unusable: 'version' });
      await raw.set(sidecar, JSON.stringify([2, tenant, storedAt, expiresAt, expiresAt, cost, prints, note, []]));
      expect(await look()).toMatchObject({ kind: 'miss', unusable: 'version' });
      await raw.set(sidecar, JSON.stringify([3, 'of a process to come']));
      expect(await look()).toMatchObject({ kind: 'miss', unusable: 'no_sidecar' });
    }
  });

  test('a version that a load needs is made once and lives for 30 days, from each use on', async () => {
    await Promise.all([store(a, 'k1', 1, { tags: ['x'] }), store(b, 'k2', 1, { tags: ['x'] })]);
    expect(await load(a, 'k2', 2, { tags: ['x'] })).toMatchObject({ source: 'hit' });
    expect(await raw.ttl(TAG_X)).toBeGreaterThan(29 * 86_400);
    const c = await stage.start();
    const version = await raw.get(FAMILY);
    await raw.expire(FAMILY, 100);
    await store(c, 'k3', 1);
    expect(await raw.get(FAMILY)).toBe(version);
    expect(await raw.ttl(FAMILY)).toBeGreaterThan(29 * 86_400);
  });

  test('trap 10: something of another type at a version is no version', async () => {
    await store(a, 'k', 'old', { tags: ['x'] });
    await raw.del(TAG_X);
    await raw.lpush(TAG_X, 'foreign');
    expect(await load(b, 'k', 'new', { tags: ['x'] })).toMatchObject({ value: 'new', source: 'loaded' });
    await until(async () => (await load(b, 'k', 'newest', { tags: ['x'] })).source === 'hit');
  });

  test('trap 12: a hostile tag or tenant is a tag like any other and meets none', async () => {
    const hostile = ['x:y', 'x', '*', '..', '\0', '\ud800', '__proto__', 'ä'.repeat(10_000), '{app:k}', ' '];
    for (const [n, tag] of hostile.entries()) await store(a, `k${n}`, n, { tags: [tag] });
    for (const [n, tag] of hostile.entries()) {
      await b.cache.invalidateTag(tag);
      expect(await load(b, `k${n}`, 'new')).toMatchObject({ source: 'loaded' });
      for (let other = n + 1; other < hostile.length; other += 1) {
        expect({ tag: n, other, ...(await load(b, `k${other}`, 'no')) }).toMatchObject({ value: other, source: 'hit' });
      }
    }
  });

  test('labels that no entry can have are refused before anything is loaded or written', async () => {
    const loader = jest.fn(async () => 1);
    const refused = (labels: EntryLabels, ref = app('k')) =>
      expect(a.aside.getOrLoad(ref, loader, { labels })).rejects.toThrow(expect.objectContaining({ code: 'labels' }));
    await refused({ tags: Array.from({ length: 10_000 }, (_, n) => `t${n}`) });
    await refused({ tags: [''] });
    await refused({ namespace: '' });
    expect(loader).not.toHaveBeenCalled();
    expect(await redis.keys('*')).toEqual([]);
    const session = { ref: keyspace.session.at({ user_id: 'u' }), labels: { tags: ['x'] }, decode: String };
    await expect(a.cache.lookup(session)).rejects.toThrow(expect.objectContaining({ code: 'labels' }));
    await expect(a.cache.invalidateFamily(keyspace.session)).rejects.toThrow(
      expect.objectContaining({ code: 'labels' }),
    );
    await expect(a.cache.invalidateTag('')).rejects.toThrow(expect.objectContaining({ code: 'labels' }));
    await store(a, 'k', 1, { tags: Array.from({ length: MOST_TAGS }, (_, n) => `t${n}`) });
    expect(await load(b, 'k', 2)).toMatchObject({ source: 'hit' });
  });

  test('a journal that overflows with tags sweeps the versions of all tags, and of nothing else', async () => {
    const c = await stage.start({ journal: { capacity: 2, keepAcknowledgedMs: 60_000, retryMs: 50 } });
    for (let n = 0; n < 6; n += 1) await store(c, `k${n}`, 'old', { tags: [`t${n}`] });
    await store(c, 'plain', 'kept');
    redis.freeze();
    await until(async () => !c.roles.link('cache').up);
    for (let n = 0; n < 5; n += 1) await c.cache.invalidateTag(`t${n}`);
    redis.thaw();
    await untilUp(c, b);
    await until(async () => c.cache.pendingInvalidations === 0 && (await redis.keys('version:tag:*')).length === 0);
    for (let n = 0; n < 5; n += 1) expect(await load(b, `k${n}`, 'new')).toMatchObject({ value: 'new' });
    expect(await load(b, 'plain', 'no')).toMatchObject({ value: 'kept', source: 'hit' });
  });

  test('what L1 holds goes with the version that it was loaded under, here at once and elsewhere within its bound', async () => {
    const labels = { tags: ['x'] };
    const [c, d] = await Promise.all([stage.start({ l1: {} }), stage.start({ l1: {} })]);
    await store(a, 'k', 'old', labels);
    // The reader does not name the tag: L1 follows it all the same.
    for (const process of [c, d]) {
      await until(async () => (await load(process, 'k', 'no'), process.aside.warm(app('k')) !== undefined));
    }
    expect(await d.cache.invalidateTag('x')).toEqual({ deleted: null, pending: false });
    expect(d.aside.warm(app('k'))).toBeUndefined();
    await until(async () => c.aside.warm(app('k')) === undefined);
    expect(await load(c, 'k', 'new', labels)).toMatchObject({ value: 'new', source: 'loaded' });
  });

  test('whatever happens, nobody is served what is older than a completed invalidation', async () => {
    interface Step {
      readonly do: 'load' | 'put' | 'invalidate' | 'evict' | 'bump' | 'lose';
      readonly key: number;
      readonly labels: number;
      readonly subject: number;
      readonly by: number;
    }
    const LABELS: EntryLabels[] = [
      {},
      { tags: ['x'] },
      { tags: ['y', 'x'] },
      { namespace: 'n' },
      { namespace: 'n', tags: ['y'] },
    ];
    const BUMPS: [string, (process: Process) => Promise<unknown>, (labels: EntryLabels) => boolean][] = [
      ['tag:default:x', ({ cache }) => cache.invalidateTag('x'), ({ tags }) => tags?.includes('x') ?? false],
      ['tag:default:y', ({ cache }) => cache.invalidateTag('y'), ({ tags }) => tags?.includes('y') ?? false],
      ['namespace:default:n', ({ cache }) => cache.invalidateNamespace('n'), ({ namespace }) => namespace === 'n'],
      ['family:default:app.value', ({ cache }) => cache.invalidateFamily(keyspace.appValue), () => true],
    ];
    const step: fc.Arbitrary<Step> = fc.record({
      do: fc.constantFrom('load', 'load', 'load', 'put', 'invalidate', 'evict', 'bump', 'lose'),
      key: fc.nat(2),
      labels: fc.nat(LABELS.length - 1),
      subject: fc.nat(BUMPS.length - 1),
      by: fc.nat(1),
    });

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        await redis.flush();
        let clock = 0;
        /** By key: what it was last stored with, and the least value that may be served. */
        const labelsOf = new Map<number, EntryLabels>();
        const least = new Map<number, number>();
        const raise = (key: number): void => void least.set(key, clock);
        for (const one of steps) {
          clock += 1;
          const process = one.by === 0 ? a : b;
          if (one.do === 'bump') {
            await BUMPS[one.subject]?.[1](process);
            for (const [key, labels] of labelsOf) if (BUMPS[one.subject]?.[2](labels) === true) raise(key);
          } else if (one.do === 'lose') {
            await raw.del(`version:${BUMPS[one.subject]?.[0]}`);
          } else if (one.do === 'invalidate') {
            await process.cache.invalidate({ ref: app(`k${one.key}`) });
            raise(one.key);
          } else if (one.do === 'evict') {
            await raw.del(one.labels % 2 === 0 ? `app:k${one.key}` : `lease:{app:k${one.key}}`);
          } else if (one.do === 'put') {
            const labels = LABELS[one.labels] as EntryLabels;
            await process.cache.put({ ref: app(`k${one.key}`), labels }, { stored: [Buffer.from(String(clock))] });
            labelsOf.set(one.key, labels);
            raise(one.key);
          } else {
            const labels = LABELS[one.labels] as EntryLabels;
            const loaded = await load(process, `k${one.key}`, clock, labels);
            await loaded.stored;
            expect(loaded.value as number).toBeGreaterThanOrEqual(least.get(one.key) ?? 0);
            if (loaded.source === 'loaded') labelsOf.set(one.key, labels);
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
