import { keyspace } from '../keyspace/keyspace.js';
import type { RedisRoles } from '../redis/roles.js';
import type { Cache } from './cache.js';
import { CacheAside } from './cache-aside.js';
import type { Flight } from './flights.js';
import type { Leadership } from './leadership.js';
import { LoadingPolicies } from './loading-policy.js';
import type { FillResult } from './observer.js';
import type { Boardings, Opened } from './opening.js';

/** A cache in which every caller leads; its storing is finished by the test. */
function leading(fill: Promise<FillResult>): { cache: Cache; flight: () => Flight } {
  let flight: Flight | undefined;
  const leadership: Leadership = {
    token: 't',
    canStore: true,
    fill: () => fill,
    prolong: () => null,
    release: () => Promise.resolve(),
  };
  const cache = {
    ttlSeconds: () => 60,
    peek: () => undefined,
    policies: new LoadingPolicies({}),
    observer: {},
    random: Math.random,
    open: async <T, F extends Flight>(_reading: unknown, boardings: Boardings<T, F>): Promise<Opened<T, F>> => {
      const led = boardings.lead(leadership);
      flight = led;
      return { kind: 'flight', flight: led, how: 'led', refused: null };
    },
  } as unknown as Cache;
  return { cache, flight: () => flight as Flight };
}

test('the caller has the value before it is stored; the flight lasts until it is', async () => {
  const storing = Promise.withResolvers<FillResult>();
  const { cache, flight } = leading(storing.promise);
  const aside = new CacheAside(cache, {} as RedisRoles);
  const loaded = await aside.getOrLoad(keyspace.appValue.at({ key: 'k' }), async () => 'value');
  expect(loaded).toMatchObject({ value: 'value', source: 'loaded' });

  let ended = false;
  void flight().done.then(() => (ended = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  storing.resolve('stored');
  await flight().done;
  expect(await loaded.stored).toBe('stored');
});

test('many values: when the calls for them fail in different ways, the caller is told once and nobody else', async () => {
  const failing = {
    ttlSeconds: () => 60,
    peek: () => undefined,
    policies: new LoadingPolicies({}),
    random: Math.random,
    open: () => Promise.reject(new Error('one by one')),
    // Later than the first.
    openEach: () => new Promise((_, reject) => void setImmediate(() => reject(new Error('together')))),
  } as unknown as Cache;
  const unhandled = jest.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const aside = new CacheAside(failing, {} as RedisRoles);
    // Of another tenant: it cannot be read together with the first.
    const refs = [keyspace.appValue.at({ key: 'k' }), keyspace.appValue.at({ key: 'k' }, 'other')];
    await expect(aside.getMany(refs, async () => [1, 2])).rejects.toThrow('one by one');
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});
