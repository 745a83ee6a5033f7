import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { DEFAULT_LINK_TIMES, RedisLink, loadScript, type ScriptArgument } from '../src/index.js';

const script = (name: string) => loadScript(new URL(`../src/cache/lua/${name}.lua`, import.meta.url));
const ACQUIRE = script('acquire');
const STORE = script('store');
const RENEW = script('renew');
const RELEASE = script('release');
const INVALIDATE = script('invalidate');

/** Each script alone, with the arguments that its header names. */
describe('the scripts of the cache', () => {
  let redis: TestRedis;
  let link: RedisLink;
  const keys = ['v', 'meta:{v}', 'lease:{v}'];
  const run = (which: typeof ACQUIRE, on: readonly string[], ...args: ScriptArgument[]) => link.run(which, on, args);
  const set = (key: string, value: string) => link.read((client) => client.set(key, value));
  const get = (key: string) => link.read((client) => client.get(key));

  beforeAll(async () => {
    redis = await startRedis();
    link = new RedisLink({
      ...DEFAULT_LINK_TIMES,
      name: 'test',
      connection: { host: '127.0.0.1', port: redis.port },
      database: 0,
    }).open();
    await link.untilUp(5000);
  });

  afterAll(async () => {
    await link.close();
    await redis.kill();
  });

  beforeEach(() => link.read((client) => client.flushdb()));

  test('acquire takes a free lease for its time', async () => {
    expect(await run(ACQUIRE, keys, 't1', 5000, 'absent', '')).toEqual(['taken']);
    expect(await get('lease:{v}')).toBe('t1');
    const left = await link.read((client) => client.pttl('lease:{v}'));
    expect(left).toBeGreaterThan(4000);
    expect(left).toBeLessThanOrEqual(5000);
  });

  test('acquire tells who holds the lease, and only `steal` or the holder’s own name displaces it', async () => {
    await set('lease:{v}', 't1');
    expect(await run(ACQUIRE, keys, 't2', 5000, 'absent', '')).toEqual(['held', 't1']);
    expect(await run(ACQUIRE, keys, 't2', 5000, 'replace', 'other')).toEqual(['held', 't1']);
    expect(await run(ACQUIRE, keys, 't2', 5000, 'absent', 't1')).toEqual(['taken']);
    expect(await run(ACQUIRE, keys, 't3', 5000, 'steal', '')).toEqual(['taken']);
    expect(await get('lease:{v}')).toBe('t3');
  });

  test('acquire sees an entry that came to exist after the caller looked', async () => {
    await set('v', 'x');
    expect(await run(ACQUIRE, keys, 't1', 5000, 'absent', '')).toEqual(['taken']);
    await link.read((client) => client.del('lease:{v}'));
    await set('meta:{v}', 'm');
    expect(await run(ACQUIRE, keys, 't1', 5000, 'absent', '')).toEqual(['exists']);
    expect(await get('lease:{v}')).toBeNull();
    expect(await run(ACQUIRE, keys, 't1', 5000, 'replace', '')).toEqual(['taken']);
  });

  test('store writes value, sidecar and parts together under the lease, and ends it', async () => {
    await set('lease:{v}', 't1');
    await set('gone:{v}', 'old');
    const all = [...keys, 'frames:{v}', 'gone:{v}'];
    expect(await run(STORE, all, 't1', 9000, 'side', 'part', '', 'string', 'bytes')).toBe(1);
    expect(await link.read((client) => client.mget(...all))).toEqual(['bytes', 'side', null, 'part', null]);
    for (const key of ['v', 'meta:{v}', 'frames:{v}']) {
      expect(await link.read((client) => client.pttl(key))).toBeGreaterThan(8000);
    }
  });

  test('store under a lease that is no longer ours writes nothing', async () => {
    await set('lease:{v}', 't2');
    expect(await run(STORE, keys, 't1', 9000, 'side', 'string', 'bytes')).toBe(0);
    expect(await link.read((client) => client.mget(...keys))).toEqual([null, null, 't2']);
  });

  test('a put needs no lease and ends any', async () => {
    await set('lease:{v}', 't2');
    expect(await run(STORE, keys, '', 9000, 'side', 'string', 'bytes')).toBe(1);
    expect(await get('lease:{v}')).toBeNull();
  });

  test('store replaces a collection, whatever lay there', async () => {
    await set('v', 'a string');
    const fields = Array.from({ length: 5000 }, (_, n) => [`f${n}`, `${n}`]).flat();
    expect(await run(STORE, keys, '', 9000, 'side', 'hash', ...fields)).toBe(1);
    expect(await link.read((client) => client.hlen('v'))).toBe(5000);
    expect(await run(STORE, keys, '', 9000, 'side', 'hash', 'one', '1')).toBe(1);
    expect(await link.read((client) => client.hgetall('v'))).toEqual({ one: '1' });
    expect(await run(STORE, keys, '', 9000, 'side', 'zset', '0.5', 'm')).toBe(1);
    expect(await link.read((client) => client.zscore('v', 'm'))).toBe('0.5');
    expect(await run(STORE, keys, '', 9000, 'side', 'list')).toBe(1);
    expect(await link.read((client) => client.exists('v'))).toBe(0);
  });

  test('renew and release touch only what is ours', async () => {
    await set('lease:{v}', 't1');
    expect(await run(RENEW, ['lease:{v}'], 't2', 9000)).toBe(0);
    expect(await run(RELEASE, ['v', 'lease:{v}'], 't2')).toBe(0);
    expect(await link.read((client) => client.pttl('lease:{v}'))).toBe(-1);
    expect(await run(RENEW, ['lease:{v}'], 't1', 9000)).toBe(1);
    expect(await link.read((client) => client.pttl('lease:{v}'))).toBeGreaterThan(8000);
    expect(await run(RELEASE, ['v', 'lease:{v}'], 't1')).toBe(1);
    expect(await get('lease:{v}')).toBeNull();
  });

  test('invalidate removes everything and tells whether there was a value', async () => {
    for (const key of [...keys, 'frames:{v}']) await set(key, 'x');
    expect(await run(INVALIDATE, [...keys, 'frames:{v}'])).toBe(1);
    expect(await link.read((client) => client.dbsize())).toBe(0);
    expect(await run(INVALIDATE, [...keys, 'frames:{v}'])).toBe(0);
  });
});
