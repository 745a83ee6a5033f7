/** L1 in front of a cluster: an entry and the versions that it is under lie on several servers. */
import { startRedisCluster, type TestRedisCluster, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { Cache, CacheAside, keyspace, RedisRoles } from '../src/index.js';
import { PATIENT } from './redis-place.js';

interface Process {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly emptied: string[];
}

describe('L1 on a cluster', () => {
  let cluster: TestRedisCluster;
  const running: Process[] = [];
  const KEYS = ['b', 'a', 'c', 'd', 'e', 'f'];

  const start = async (): Promise<Process> => {
    const emptied: string[] = [];
    const roles = new RedisRoles({
      cluster: cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      times: { ...PATIENT, heartbeatMs: 50, holdAfterRestartMs: 100 },
    });
    const cache = new Cache(roles, { l1: { boundMs: 800, beatMs: 50 } }, { emptied: (why) => emptied.push(why) });
    roles.open();
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    const process = { roles, cache, aside: new CacheAside(cache, roles), emptied };
    running.push(process);
    await until(() => trusted(process));
    return process;
  };

  const trusted = ({ cache }: Process): boolean => {
    const servers = cache.l1Status?.servers ?? [];
    return servers.length >= 3 && servers.every(({ state }) => state === 'tracking');
  };
  const app = (key: string) => keyspace.appValue.at({ key });
  const warm = (process: Process, key: string): unknown => process.aside.warm(app(key))?.value;
  const warmUp = async (process: Process, key: string, options = {}): Promise<void> => {
    await until(async () => {
      await (
        await process.aside.getOrLoad(app(key), async () => 'old', options)
      ).stored;
      return warm(process, key) === 'old';
    });
  };

  beforeAll(async () => {
    // Nobody takes over from a node that is frozen for a moment, or that this machine keeps waiting.
    cluster = await startRedisCluster({ nodeTimeoutMs: 20_000 });
  });

  afterEach(async () => {
    for (const { cache, roles } of running.splice(0)) {
      cache.close();
      await roles.close();
    }
    await cluster.untilWhole();
  });

  test('what another process changes is seen, whichever server has it', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    for (const key of KEYS) await warmUp(a, key);
    for (const key of KEYS) await b.cache.invalidate({ ref: app(key) });
    for (const key of KEYS) await until(() => warm(a, key) === undefined, 800);
    expect(KEYS.map((key) => warm(a, key))).toEqual(KEYS.map(() => undefined));
  });

  test('an entry goes with a version that lies on another server', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    for (const key of KEYS) await warmUp(a, key, { labels: { tags: ['all-of-it'] } });
    await b.cache.invalidateTag('all-of-it');
    for (const key of KEYS) await until(() => warm(a, key) === undefined, 800);
    expect(KEYS.map((key) => warm(a, key))).toEqual(KEYS.map(() => undefined));
  });

  test('what one server does not vouch for, nobody does', async () => {
    const a = await start();
    for (const primary of await cluster.primaries()) {
      await until(() => trusted(a));
      for (const key of KEYS) await warmUp(a, key);
      primary.freeze();
      const frozenAt = performance.now();
      try {
        while (performance.now() <= frozenAt + 800) await pause(10);
        expect(KEYS.map((key) => warm(a, key))).toEqual(KEYS.map(() => undefined));
      } finally {
        primary.thaw();
      }
      await cluster.untilWhole();
    }
  });

  test('a primary that dies empties L1, which begins anew with its successor', async () => {
    const a = await start();
    for (const key of KEYS) await warmUp(a, key);
    const before = a.emptied.length;
    const primary = await cluster.primaryOf('app:a');
    await primary.kill();
    await until(() => a.emptied.length > before);
    expect(KEYS.map((key) => warm(a, key))).toEqual(KEYS.map(() => undefined));
    const heir = await cluster.failOver(primary);
    await until(() => trusted(a) && a.roles.links().every(({ up }) => up));
    await warmUp(a, 'a');
    expect((await cluster.primaryOf('app:a')).port).toBe(heir.port);
    await primary.restart();
  });

  test('where the servers may not tell of changes, nothing is kept: no script could see who asks for it', async () => {
    const servers = cluster.nodes.map(({ port }) => new Redis({ host: '127.0.0.1', port }));
    const all = (rule: string) => Promise.all(servers.map((server) => server.call('ACL', 'SETUSER', 'default', rule)));
    await all('-client|tracking');
    try {
      const seeds = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
      const roles = new RedisRoles({ cluster: seeds, times: { ...PATIENT, heartbeatMs: 50 } });
      const cache = new Cache(roles, { l1: { boundMs: 800, beatMs: 50 } });
      const aside = new CacheAside(cache, roles);
      running.push({ roles, cache, aside, emptied: [] });
      roles.open();
      await until(() => {
        const states = cache.l1Status?.servers ?? [];
        return states.length >= 3 && states.every(({ state }) => state === 'refused');
      });
      const repos = keyspace.githubRepos.at({ user: 'k' });
      for (let n = 0; n < 5; n += 1) await (await aside.getOrLoad(repos, async () => 1)).stored;
      expect(aside.warm(repos)).toBeUndefined();
    } finally {
      await all('+client|tracking');
      for (const server of servers) server.disconnect();
    }
  });

  test('keys that move to another server are followed there', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    await warmUp(a, 'a');
    const slot = await cluster.slotOf('app:a');
    const from = await cluster.primaryOf(slot);
    const to = await cluster.primaryOf('app:b');
    expect(to.port).not.toBe(from.port);
    await cluster.moveSlot(slot, to);
    await until(() => warm(a, 'a') === undefined);
    await warmUp(a, 'a');
    await b.cache.invalidate({ ref: app('a') });
    await until(() => warm(a, 'a') === undefined, 800);
    expect(warm(a, 'a')).toBeUndefined();
  });
});
