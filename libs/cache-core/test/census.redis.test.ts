import {
  Cache,
  encodeValue,
  keyspace,
  RedisRoles,
  takeCensus,
  type CensusSettings,
  type LinkTimes,
  type RedisHome,
} from '../src/index.js';
import { PATIENT } from './redis-place.js';
import { onEveryPlace } from './stage.js';

const KEY_PREFIX = 'ps:';

interface Viewer {
  readonly roles: RedisRoles;
  readonly cache: Cache;
}

const PROCESS = {
  start: async (home: RedisHome, times: Partial<LinkTimes> = PATIENT): Promise<Viewer> => {
    const roles = new RedisRoles({ ...home, layout: 'single', times }).open();
    const cache = new Cache(roles, { keyPrefix: KEY_PREFIX });
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    return { roles, cache };
  },
  stop: async ({ roles, cache }: Viewer): Promise<void> => {
    cache.close();
    await roles.close();
  },
};

onEveryPlace('a census', PROCESS, (stage) => {
  const census = (tenant: string | null = null, settings: Partial<CensusSettings> = {}) =>
    takeCensus(stage.a.roles, tenant, { keyPrefix: KEY_PREFIX, withinMs: 60_000, ...settings });
  const fill = async (count: number, key: (n: number) => string): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, n) => stage.raw.set(key(n), 'x'.repeat(100))));
  };

  test('of few keys is a count, by family and by tenant, with what lies beside them apart', async () => {
    const { appValue, llmModels } = keyspace;
    for (const tenant of ['default', 'default', 'acme']) {
      for (const key of ['a', 'b']) {
        const ref = appValue.at({ key: `${tenant}${key}` }, tenant);
        expect(await stage.a.cache.put({ ref }, { stored: encodeValue(appValue, key) })).toBe('stored');
      }
    }
    const hashed = llmModels.at({ hash: 'a'.repeat(64) }, 'acme');
    await stage.a.cache.put({ ref: hashed }, { stored: encodeValue(llmModels, {}) });
    await stage.raw.mset({ 'ps:nobody:{x}': '1' });
    await stage.raw.mset({ 'others:x': '1' });
    const all = await census();
    expect(all.families.get('app.value')).toMatchObject({
      keys: 4,
      atLeast: 4,
      atMost: 4,
      exact: true,
      bytes: expect.any(Number),
    });
    expect(all.families.get('llm.models')).toMatchObject({ keys: 1, exact: true });
    expect(all.families.get('lead')).toEqual({ keys: 0, atLeast: 0, atMost: 0, exact: true, bytes: 0 });
    // Sidecars; versions of the two families for each tenant.
    expect(all.others).toMatchObject({
      companions: { keys: 5 },
      platform: { keys: 3 },
      unknown: { keys: 1 },
      outside: { keys: 1 },
    });
    const own = await census('acme');
    expect(own.families.get('app.value')).toMatchObject({ keys: 2, exact: true });
    expect(own.families.get('llm.models')).toMatchObject({ keys: null, bytes: null });
    expect(own.others.unknown.keys).toBe(0);
  });

  test('of many keys is an estimate from a bounded look, and what was not met is not known', async () => {
    await fill(6000, (n) => `ps:app:k${n}`);
    await fill(3000, (n) => `ps:lead:${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`);
    await fill(1, () => 'ps:github_repos:u');
    const { families, places } = await census(null, { keysPerServer: 300 });
    const app = families.get('app.value');
    expect(app).toMatchObject({ exact: false });
    expect(app?.keys).toBeGreaterThan(4500);
    expect(app?.keys).toBeLessThan(7500);
    // A value of 100 bytes, a name, and what Redis itself takes.
    expect((app?.bytes ?? 0) / (app?.keys ?? 1)).toBeGreaterThan(100);
    expect((app?.bytes ?? 0) / (app?.keys ?? 1)).toBeLessThan(400);
    expect(families.get('surfsense')).toMatchObject({ keys: null, bytes: null, atLeast: 0, exact: false });
    const [place] = places;
    expect(place).toMatchObject({ keys: 9001, complete: false });
    // A step is not divided: three servers in a cluster.
    expect(place?.looked).toBeLessThan(3 * 1000);
  });

  test('trap 8: of what cannot be asked says that it is not known, and ends', async () => {
    await fill(3, (n) => `ps:app:k${n}`);
    const hurried = await stage.start({ commandTimeoutMs: 500 });
    stage.redis.freeze();
    const { families, places } = await takeCensus(hurried.roles, null, { keyPrefix: KEY_PREFIX, withinMs: 500 });
    stage.redis.thaw();
    expect(families.get('app.value')).toMatchObject({ keys: null, bytes: null, exact: false });
    expect(places).toEqual([expect.objectContaining({ keys: null, looked: 0, complete: false })]);
  });
});
