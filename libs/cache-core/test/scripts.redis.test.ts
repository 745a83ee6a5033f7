import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { DEFAULT_LINK_TIMES, ServerLink, loadScript, type ScriptArgument } from '../src/index.js';
import { PATIENT } from './redis-place.js';

const script = (name: string) => loadScript(new URL(`../src/cache/lua/${name}.lua`, import.meta.url));
const ACQUIRE = script('acquire');
const STORE = script('store');
const RENEW = script('renew');
const RELEASE = script('release');
const INVALIDATE = script('invalidate');
const ENSURE = script('ensure-version');
const BUMP = script('bump-version');
const PROLONG = script('prolong');
const REMOVE_LEFTOVER = script('remove-leftover');

/** Each script alone, with the arguments that its header names. */
describe('the scripts of the cache', () => {
  let redis: TestRedis;
  let link: ServerLink;
  const keys = ['v', 'meta:{v}', 'lease:{v}'];
  const run = (which: typeof ACQUIRE, on: readonly string[], ...args: ScriptArgument[]) => link.run(which, on, args);
  const set = (key: string, value: string) => link.read((client) => client.set(key, value));
  const get = (key: string) => link.read((client) => client.get(key));

  beforeAll(async () => {
    redis = await startRedis();
    link = new ServerLink({
      ...DEFAULT_LINK_TIMES,
      ...PATIENT,
      name: 'test',
      connection: { host: '127.0.0.1', port: redis.port },
      database: 0,
    }).open();
    await link.untilUp(60_000);
  });

  afterAll(async () => {
    await link.close();
    await redis.kill();
  });

  beforeEach(() => link.read((client) => client.flushdb()));

  const acquire = (lease: string, how: 'seen' | 'free' | 'steal', displaced = '', sidecar = '') =>
    run(ACQUIRE, ['meta:{v}', 'lease:{v}'], lease, 50_000, how, displaced, sidecar);

  test('acquire takes a free lease for its time', async () => {
    expect(await acquire('t1', 'seen')).toEqual(['taken']);
    expect(await get('lease:{v}')).toBe('t1');
    const left = await link.read((client) => client.pttl('lease:{v}'));
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(50_000);
  });

  test('acquire tells who holds the lease, and only `steal` or the lease’s own text displaces it', async () => {
    await set('lease:{v}', 't1 ["tag:x","1"]');
    expect(await acquire('t2', 'seen')).toEqual(['held', 't1 ["tag:x","1"]']);
    expect(await acquire('t2', 'seen', 't1')).toEqual(['held', 't1 ["tag:x","1"]']);
    expect(await acquire('t2', 'seen', 't1 ["tag:x","1"]')).toEqual(['taken']);
    expect(await acquire('t3', 'steal')).toEqual(['taken']);
    expect(await get('lease:{v}')).toBe('t3');
  });

  test('acquire sees an entry that came to be, or changed, after the caller looked', async () => {
    await set('meta:{v}', 'm1');
    expect(await acquire('t1', 'seen')).toEqual(['changed']);
    expect(await acquire('t1', 'seen', '', 'm0')).toEqual(['changed']);
    expect(await get('lease:{v}')).toBeNull();
    expect(await acquire('t1', 'seen', '', 'm1')).toEqual(['taken']);
    await link.read((client) => client.del('meta:{v}'));
    expect(await acquire('t2', 'seen', 't1', 'm1')).toEqual(['changed']);
  });

  test('acquire takes what is `free` whatever the entry is', async () => {
    await set('meta:{v}', 'm1');
    expect(await acquire('t1', 'free')).toEqual(['taken']);
    expect(await acquire('t2', 'free')).toEqual(['held', 't1']);
    expect(await get('lease:{v}')).toBe('t1');
  });

  test('trap 10: acquire takes something of another type for nothing, as the caller’s own look does', async () => {
    await link.read((client) => client.lpush('meta:{v}', 'x'));
    await link.read((client) => client.lpush('lease:{v}', 'x'));
    expect(await acquire('t1', 'seen')).toEqual(['taken']);
    expect(await get('lease:{v}')).toBe('t1');
  });

  test('store writes value, sidecar and parts together under the lease, and ends it', async () => {
    await set('lease:{v}', 't1');
    await set('gone:{v}', 'old');
    const all = [...keys, 'frames:{v}', 'gone:{v}'];
    expect(await run(STORE, all, 't1', 90_000, 'side', 'part', '', 'string', 'bytes')).toBe(1);
    expect(await link.read((client) => client.mget(...all))).toEqual(['bytes', 'side', null, 'part', null]);
    for (const key of ['v', 'meta:{v}', 'frames:{v}']) {
      expect(await link.read((client) => client.pttl(key))).toBeGreaterThan(50_000);
    }
  });

  test('store under a lease that is no longer ours writes nothing', async () => {
    await set('lease:{v}', 't2');
    expect(await run(STORE, keys, 't1', 90_000, 'side', 'string', 'bytes')).toBe(0);
    expect(await link.read((client) => client.mget(...keys))).toEqual([null, null, 't2']);
  });

  test('a put needs no lease and ends any', async () => {
    await set('lease:{v}', 't2');
    expect(await run(STORE, keys, '', 90_000, 'side', 'string', 'bytes')).toBe(1);
    expect(await get('lease:{v}')).toBeNull();
  });

  test('store replaces a collection, whatever lay there', async () => {
    await set('v', 'a string');
    const fields = Array.from({ length: 5000 }, (_, n) => [`f${n}`, `${n}`]).flat();
    expect(await run(STORE, keys, '', 90_000, 'side', 'hash', ...fields)).toBe(1);
    expect(await link.read((client) => client.hlen('v'))).toBe(5000);
    expect(await run(STORE, keys, '', 90_000, 'side', 'hash', 'one', '1')).toBe(1);
    expect(await link.read((client) => client.hgetall('v'))).toEqual({ one: '1' });
    expect(await run(STORE, keys, '', 90_000, 'side', 'zset', '0.5', 'm')).toBe(1);
    expect(await link.read((client) => client.zscore('v', 'm'))).toBe('0.5');
    expect(await run(STORE, keys, '', 90_000, 'side', 'list')).toBe(1);
    expect(await link.read((client) => client.exists('v'))).toBe(0);
  });

  test('renew and release touch only what is ours', async () => {
    await set('lease:{v}', 't1');
    expect(await run(RENEW, ['lease:{v}'], 't2', 90_000)).toBe(0);
    expect(await run(RELEASE, ['v', 'lease:{v}'], 't2')).toBe(0);
    expect(await link.read((client) => client.pttl('lease:{v}'))).toBe(-1);
    expect(await run(RENEW, ['lease:{v}'], 't1', 90_000)).toBe(1);
    expect(await link.read((client) => client.pttl('lease:{v}'))).toBeGreaterThan(50_000);
    expect(await run(RELEASE, ['v', 'lease:{v}'], 't1')).toBe(1);
    expect(await get('lease:{v}')).toBeNull();
  });

  test('invalidate removes everything and tells whether there was a value', async () => {
    for (const key of [...keys, 'frames:{v}']) await set(key, 'x');
    expect(await run(INVALIDATE, [...keys, 'frames:{v}'], 0)).toBe(1);
    expect(await link.read((client) => client.dbsize())).toBe(0);
    expect(await run(INVALIDATE, [...keys, 'frames:{v}'], 0)).toBe(0);
  });

  test('invalidate remembers when, for as long as it is told to', async () => {
    await set('meta:{v}', 'm');
    expect(await run(INVALIDATE, keys, 50_000)).toBe(0);
    expect(await get('meta:{v}')).toMatch(/^\["invalidated",\d{13}\]$/);
    expect(await link.read((client) => client.pttl('meta:{v}'))).toBeLessThanOrEqual(50_000);
  });

  test('invalidate gives what is to follow its lease only while the reserved one stands', async () => {
    for (const key of [...keys, 'frames:{v}']) await set(key, 'old');
    await set('lease:{v}', 'r');
    expect(await run(INVALIDATE, [...keys, 'frames:{v}'], 0, 'r', 't1', 50_000)).toBe(1);
    expect(await link.read((client) => client.mget(...keys, 'frames:{v}'))).toEqual([null, null, 't1', null]);
    expect(await link.read((client) => client.pttl('lease:{v}'))).toBeGreaterThan(0);
    await set('v', 'old');
    expect(await run(INVALIDATE, keys, 0, 'r', 't2', 50_000)).toBe(0);
    expect(await link.read((client) => client.mget(...keys))).toEqual([null, null, null]);
  });

  test('prolong gives all keys of an unchanged entry a new time under the lease, and ends it', async () => {
    const all = [...keys, 'frames:{v}'];
    for (const key of all) await link.read((client) => client.set(key, 'old', 'PX', 50_000));
    await set('lease:{v}', 't1');
    expect(await run(PROLONG, all, 't2', 90_000, 'new', 'old')).toBe(0);
    expect(await run(PROLONG, all, 't1', 90_000, 'new', 'old')).toBe(1);
    expect(await link.read((client) => client.mget(...all))).toEqual(['old', 'new', null, 'old']);
    for (const key of ['v', 'meta:{v}', 'frames:{v}']) {
      expect(await link.read((client) => client.pttl(key))).toBeGreaterThan(50_000);
    }
    await set('lease:{v}', 't1');
    expect(await run(PROLONG, all, 't1', 90_000, 'newer', 'old')).toBe(0);
    expect(await link.read((client) => client.mget(...all))).toEqual(['old', 'new', null, 'old']);
  });

  test('an absence is a sidecar alone', async () => {
    for (const key of ['v', 'frames:{v}']) await set(key, 'x');
    await set('lease:{v}', 't1');
    expect(await run(STORE, [...keys, 'frames:{v}'], 't1', 90_000, 'side', '', 'absent')).toBe(1);
    expect(await link.read((client) => client.mget(...keys, 'frames:{v}'))).toEqual([null, 'side', null, null]);
  });

  test('a leftover goes only with the sidecar by which it was judged, and its lease stays', async () => {
    for (const key of [...keys, 'frames:{v}']) await set(key, 'x');
    const all = ['v', 'meta:{v}', 'frames:{v}'];
    expect(await run(REMOVE_LEFTOVER, all, 'y')).toBe(0);
    expect(await run(REMOVE_LEFTOVER, all, 'x')).toBe(1);
    expect(await link.read((client) => client.mget(...keys, 'frames:{v}'))).toEqual([null, null, 'x', null]);
    expect(await run(REMOVE_LEFTOVER, all, 'x')).toBe(0);
  });

  test('a version is made once, told to everybody, and kept alive', async () => {
    expect(await run(ENSURE, ['ver'], 'a', 90_000)).toBe('a');
    expect(await run(ENSURE, ['ver'], 'b', 50_000)).toBe('a');
    expect(await link.read((client) => client.pttl('ver'))).toBeGreaterThan(50_000);
    expect(await run(ENSURE, ['ver'], 'b', 200_000)).toBe('a');
    expect(await link.read((client) => client.pttl('ver'))).toBeGreaterThan(190_000);
  });

  test('trap 10: something of another type is no version', async () => {
    await link.read((client) => client.lpush('ver', 'x'));
    expect(await run(ENSURE, ['ver'], 'a', 90_000)).toBe('a');
    await link.read((client) => client.lpush('ver2', 'x'));
    expect(await run(BUMP, ['ver2'], 'b', 90_000)).toBe(1);
    expect(await get('ver2')).toMatch(/^b\./);
  });

  test('a bump says when it was, and shortens no life', async () => {
    await link.read((client) => client.set('ver', 'a', 'PX', 600_000));
    const before = link.now();
    expect(await run(BUMP, ['ver'], 'b', 90_000)).toBe(1);
    const [version, at] = (await get('ver'))?.split('.') ?? [];
    expect(version).toBe('b');
    // By Redis's clock, of which this process has an estimate.
    expect(Number(at)).toBeGreaterThan(before - 1000);
    expect(Number(at)).toBeLessThan(link.now() + 1000);
    expect(await link.read((client) => client.pttl('ver'))).toBeGreaterThan(500_000);
    expect(await run(BUMP, ['new'], 'b', 90_000)).toBe(1);
    expect(await link.read((client) => client.pttl('new'))).toBeGreaterThan(50_000);
  });

  test('a server that is full invalidates all the same', async () => {
    await set('ver', 'a');
    await link.read((client) => client.config('SET', 'maxmemory', '1'));
    try {
      expect(await run(BUMP, ['ver'], 'b', 90_000)).toBe(1);
      expect(await get('ver')).toBeNull();
    } finally {
      await link.read((client) => client.config('SET', 'maxmemory', '0'));
    }
  });
});
