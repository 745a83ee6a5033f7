import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { absent, explain, keyspace, type CacheSettings, type Explanation } from '../src/index.js';
import { startProcess, stop, type Process } from './cache-process.js';

describe('the explanation of a key', () => {
  let redis: TestRedis;
  let raw: Redis;
  let a: Process;
  let b: Process;

  const ref = keyspace.githubRepos.at({ user: 'k' });
  const store = async (labels = {}): Promise<void> => {
    const loaded = await a.aside.getOrLoad(ref, async () => 'of the value', { labels });
    expect(await loaded.stored).toBe('stored');
  };
  /** Together with what a reader of another process then gets, which it must agree with. */
  const explained = async (): Promise<Explanation> => explain(ref, b.cache);
  const readerHits = async (): Promise<boolean> => {
    let asked = false;
    await b.aside.getOrLoad(ref, async () => {
      asked = true;
      return 'new';
    });
    return !asked;
  };
  const start = async (settings: Partial<CacheSettings> = {}): Promise<void> => {
    [a, b] = await Promise.all([startProcess(redis.url, settings), startProcess(redis.url, settings)]);
  };

  beforeAll(async () => {
    redis = await startRedis();
    raw = new Redis(redis.url);
  });

  afterAll(async () => {
    raw.disconnect();
    await redis.kill();
  });

  beforeEach(async () => {
    await raw.flushdb();
  });

  afterEach(async () => {
    await Promise.all([stop(a), stop(b)]);
  });

  test('of what is stored says where and since when, under which versions, and never the value', async () => {
    await start();
    await store({ tags: ['t'], namespace: 'n' });
    const seen = await explained();
    expect(seen).toMatchObject({
      physicalKey: 'github_repos:k',
      place: { slot: null },
      verdict: 'hit',
      type: 'string',
      sidecar: { tenant: 'default', absence: false, fingerprintAgrees: true },
      lease: null,
      inOwnMemory: null,
    });
    expect(seen.ttlMs).toBeGreaterThan(100_000);
    expect(seen.bytes).toBeGreaterThan(0);
    expect(seen.sidecar?.versions.toSorted((x, y) => (x.subject < y.subject ? -1 : 1))).toEqual([
      { subject: 'family:github.repos', current: true },
      { subject: 'namespace:n', current: true },
      { subject: 'tag:t', current: true },
    ]);
    expect(JSON.stringify(seen)).not.toContain('of the value');
    expect(b.counts.get('hit')).toBeUndefined();
    expect(await readerHits()).toBe(true);
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['nothing is there', () => raw.flushdb(), /nothing is stored/],
    ['the sidecar is gone', () => raw.del('meta:{github_repos:k}'), /nothing readable lies beside/],
    ['somebody else wrote the value', () => raw.set('github_repos:k', '"theirs"'), /other bytes/],
    [
      'it has another type',
      () => raw.multi().del('github_repos:k').rpush('github_repos:k', 'x').exec(),
      /nothing is stored|no value|another type/,
    ],
    ['a tag was invalidated', () => a.cache.invalidateTag('t'), /invalidated since/],
    ['it was invalidated', () => a.cache.invalidate({ ref }), /nothing is stored/],
  ])('is a miss when %s, as for a reader', async (_what, harm, why) => {
    await start();
    await store({ tags: ['t'] });
    await harm();
    const seen = await explained();
    expect(seen).toMatchObject({ verdict: 'miss', why: expect.stringMatching(why) });
    expect(await readerHits()).toBe(false);
  });

  test('says when another system wrote it, in families that permit that', async () => {
    await start();
    await raw.set('app:theirs', '"theirs"');
    const seen = await explain(keyspace.appValue.at({ key: 'theirs' }), b.cache);
    expect(seen).toMatchObject({ verdict: 'hit', why: expect.stringMatching(/another system/), sidecar: null });
  });

  test('names the version that is not the current one', async () => {
    await start();
    await store({ tags: ['t', 'u'] });
    await a.cache.invalidateTag('t');
    expect((await explained()).sidecar?.versions).toEqual(
      expect.arrayContaining([
        { subject: 'tag:t', current: false },
        { subject: 'tag:u', current: true },
      ]),
    );
  });

  test('says who loads it, and that a load which is too old is waited for by nobody', async () => {
    await start();
    let finish: (value: string) => void = () => {};
    const slow = a.aside.getOrLoad(ref, () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{github_repos:k}')) === 1);
    const seen = await explained();
    expect(seen).toMatchObject({
      verdict: 'miss',
      why: expect.stringMatching(/a load is under way/),
      lease: { holder: a.cache.processId, here: false, outdated: false },
    });
    expect((await explain(ref, a.cache)).lease?.here).toBe(true);
    await b.cache.invalidateFamily(keyspace.githubRepos);
    expect(await explained()).toMatchObject({ why: expect.stringMatching(/nobody waits/), lease: { outdated: true } });
    finish('late');
    await (
      await slow
    ).stored;
  });

  test('says that it is stale, that an absence is remembered, and that it is in the process’s own memory', async () => {
    await start({ l1: {}, loading: { 'github.repos': { freshSeconds: 0.01, negativeTtlSeconds: 60 } } });
    await store();
    await until(async () => (await explained()).verdict === 'stale');
    await a.cache.invalidate({ ref });
    await (
      await a.aside.getOrLoad(ref, async () => absent)
    ).stored;
    expect(await explained()).toMatchObject({
      why: expect.stringMatching(/no value, which is remembered/),
      sidecar: { absence: true },
    });
    await stop(a);
    await stop(b);
    await start({ l1: {} });
    await a.cache.invalidate({ ref });
    await until(
      async () =>
        (await a.aside.getOrLoad(ref, async () => 'x')).value === 'x' &&
        (await explain(ref, a.cache)).inOwnMemory === true,
    );
    expect((await explained()).inOwnMemory).toBe(false);
  });
});
