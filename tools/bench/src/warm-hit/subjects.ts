/** What a warm hit is with each library, each as its documentation shows it. */
import { cachified, type CacheEntry } from '@epic-web/cachified';
import { Cache, CacheAside, keyspace, RedisRoles } from '@promptsales/cache-core';
import { createCache as createDedupe } from 'async-cache-dedupe';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { Cacheable } from 'cacheable';
import { createCache as createManager } from 'cache-manager';
import { LRUCache } from 'lru-cache';
import { setTimeout as pause } from 'node:timers/promises';

export interface Subject {
  readonly name: string;
  /** Whose writes end a value in memory before its time. */
  readonly follows: 'nobody' | 'its own bus' | 'every writer';
  /** The value under `keys[index]`, at once or later. */
  read(index: number): unknown;
  close(): Promise<void>;
}

const TTL_SECONDS = 3600;
const nothing = (): Promise<void> => Promise.resolve();

/** All of them hold the values already. */
export async function startSubjects(
  redisUrl: string,
  keys: readonly string[],
  values: readonly unknown[],
): Promise<Subject[]> {
  const of = (key: string): unknown => values[keys.indexOf(key)];
  const keyOf = (index: number): string => keys[index] as string;
  return [
    bareLru(keys, values),
    ...(await ours(redisUrl, keys, of)),
    await dedupe(keyOf, keys, of),
    await cachifiedOnLru(keyOf, keys, of),
    await bento(redisUrl, keyOf, keys, of),
    await cacheable(keyOf, keys, of),
    await manager(keyOf, keys, of),
  ];
}

function bareLru(keys: readonly string[], values: readonly unknown[]): Subject {
  const lru = new LRUCache<string, object>({ max: 10_000 });
  for (const [index, key] of keys.entries()) lru.set(key, { value: values[index] });
  return {
    name: 'lru-cache alone',
    follows: 'nobody',
    read: (index) => (lru.get(keys[index] as string) as { value: unknown } | undefined)?.value,
    close: nothing,
  };
}

async function ours(redisUrl: string, keys: readonly string[], of: (key: string) => unknown): Promise<Subject[]> {
  const roles = new RedisRoles({ url: redisUrl, layout: 'databases' }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(5000)));
  const cache = new Cache(roles, { l1: {} });
  const aside = new CacheAside(cache, roles);
  const refs = keys.map((key) => keyspace.appValue.at({ key }));
  const load = (index: number) =>
    aside.getOrLoad(refs[index] as (typeof refs)[number], async () => of(keys[index] as string));
  for (let index = 0; index < keys.length; index += 1) {
    const ref = refs[index] as (typeof refs)[number];
    while (aside.warm(ref) === undefined) {
      await (
        await load(index)
      ).stored;
      await pause(1);
    }
  }
  return [
    {
      name: 'ours, warm()',
      follows: 'every writer',
      read: (index) => aside.warm(refs[index] as (typeof refs)[number])?.value,
      close: nothing,
    },
    {
      name: 'ours, getOrLoad()',
      follows: 'every writer',
      read: async (index) => (await load(index)).value,
      close: async () => {
        cache.close();
        await roles.close();
      },
    },
  ];
}

type KeyOf = (index: number) => string;
type ValueOf = (key: string) => unknown;

async function dedupe(keyOf: KeyOf, keys: readonly string[], of: ValueOf): Promise<Subject> {
  const cache = createDedupe({ ttl: TTL_SECONDS, storage: { type: 'memory', options: { size: 10_000 } } }).define(
    'value',
    async (key: string) => of(key),
  );
  for (const key of keys) await cache.value(key);
  return { name: 'async-cache-dedupe', follows: 'nobody', read: (index) => cache.value(keyOf(index)), close: nothing };
}

async function cachifiedOnLru(keyOf: KeyOf, keys: readonly string[], of: ValueOf): Promise<Subject> {
  const lru = new LRUCache<string, CacheEntry>({ max: 10_000 });
  const get = (key: string): Promise<unknown> =>
    cachified({ key, cache: lru, ttl: TTL_SECONDS * 1000, getFreshValue: () => of(key) });
  for (const key of keys) await get(key);
  return { name: '@epic-web/cachified', follows: 'nobody', read: (index) => get(keyOf(index)), close: nothing };
}

async function bento(redisUrl: string, keyOf: KeyOf, keys: readonly string[], of: ValueOf): Promise<Subject> {
  const { hostname, port } = new URL(redisUrl);
  const connection = { host: hostname, port: Number(port), db: 9 };
  const cache = new BentoCache({
    default: 'tiers',
    stores: {
      tiers: bentostore()
        // Without this it parses the value anew at each hit.
        .useL1Layer(memoryDriver({ maxItems: 10_000, serialize: false }))
        .useL2Layer(redisDriver({ connection }))
        .useBus(redisBusDriver({ connection })),
    },
  });
  const get = (key: string): Promise<unknown> =>
    cache.getOrSet({ key, ttl: TTL_SECONDS * 1000, factory: () => of(key) });
  for (const key of keys) await get(key);
  return {
    name: 'bentocache, memory + Redis + bus',
    follows: 'its own bus',
    read: (index) => get(keyOf(index)),
    close: () => cache.disconnectAll(),
  };
}

async function cacheable(keyOf: KeyOf, keys: readonly string[], of: ValueOf): Promise<Subject> {
  const cache = new Cacheable({ ttl: TTL_SECONDS * 1000 });
  const get = (key: string): Promise<unknown> => cache.getOrSet(key, async () => of(key));
  for (const key of keys) await get(key);
  return { name: 'cacheable', follows: 'nobody', read: (index) => get(keyOf(index)), close: () => cache.disconnect() };
}

async function manager(keyOf: KeyOf, keys: readonly string[], of: ValueOf): Promise<Subject> {
  const cache = createManager({ ttl: TTL_SECONDS * 1000 });
  const get = (key: string): Promise<unknown> => cache.wrap(key, async () => of(key));
  for (const key of keys) await get(key);
  return {
    name: 'cache-manager',
    follows: 'nobody',
    read: (index) => get(keyOf(index)),
    close: async () => {
      await cache.disconnect();
    },
  };
}
