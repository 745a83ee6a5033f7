import { startRedisCluster, type TestRedisCluster, until } from '@promptsales/test-kit';
import { Breakers, companions, keyspace, Locks, RedisRoles } from '../src/index.js';
import { PATIENT } from './redis-place.js';

/** One of these lies in each third of the slots: their keys, companions and rings are on different servers. */
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

describe('locks and breakers in a cluster', () => {
  let cluster: TestRedisCluster;
  let all: RedisRoles[];

  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: 20_000 });
    const seeds = cluster.addresses.split(',').map((address) => {
      const at = address.lastIndexOf(':');
      return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
    });
    all = [0, 1].map(() => new RedisRoles({ cluster: seeds, times: PATIENT }).open());
    await Promise.all(all.map((roles) => roles.link('state').untilUp(60_000)));
  });

  afterAll(() => Promise.all(all.map((roles) => roles.close())));

  test('the servers of these names are all of them', async () => {
    const keys = NAMES.map((name) => keyspace.lockNamed.at({ name }).key);
    const owners = await Promise.all(keys.map(async (key) => (await cluster.primaryOf(key)).port));
    expect(new Set(owners).size).toBe(3);
  });

  test.each(NAMES)('trap 4: the lock %s is taken, waited for and given back, its number beside it', async (name) => {
    let drawn = 0;
    const fencing = {
      next: () => {
        drawn += 1;
        return Promise.resolve(drawn);
      },
    };
    const [here, there] = all.map((roles) => new Locks(roles, { fencing })) as [Locks, Locks];
    const ref = keyspace.lockNamed.at({ name });
    const lock = await here.acquire(ref, { fenced: true });
    const beside = companions.fence.beside(ref);
    expect(await all[1]?.link('state').readAt(beside, (client) => client.get(beside))).toBe('1');
    const waiting = there.acquire(ref, { waitMs: 60_000, fenced: true });
    expect(await lock.release()).toBe('released');
    const next = await waiting;
    expect(next.token).toBe(2);
    expect(await next.release()).toBe('released');
  });

  test.each(NAMES)('trap 4: the breaker %s opens, is probed and closes for both processes', async (service) => {
    const settings = { breaker: { consecutiveFailures: 2, firstOpenMs: 50, paceMs: 60_000 } };
    const both = all.map((roles) => new Breakers(roles, settings)) as [Breakers, Breakers];
    const [here, there] = both.map((breakers) => breakers.of(service)) as [
      ReturnType<Breakers['of']>,
      ReturnType<Breakers['of']>,
    ];
    for (const permit of [await here.enter(), await here.enter()]) permit.settle('failure');
    await there.look();
    await until(async () => (await there.look()).status === 'open');
    await until(async () => {
      const permit = await there.enter().catch(() => null);
      permit?.settle('success');
      return permit?.probe === true;
    });
    await until(async () => (await here.look()).status === 'closed');
    expect([here.view.status, there.view.status]).toEqual(['closed', 'closed']);
    for (const breakers of both) breakers.close();
  });
});
