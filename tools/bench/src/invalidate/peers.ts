import { createCache } from 'async-cache-dedupe';
import { BentoCache, bentostore } from 'bentocache';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import { TTL_SECONDS, VALUE, type Group, type InvalidateSubject, type StartSubject } from './invalidate-subject.js';

/** Whether a call gave its value without the loader. */
async function servedBy(get: (load: () => Promise<typeof VALUE>) => Promise<unknown>): Promise<boolean> {
  let loads = 0;
  await get(async () => {
    loads += 1;
    return VALUE;
  });
  return loads === 0;
}

export const bentocacheByTag: StartSubject = async (redisUrl) => {
  const store = bentostore().useL2Layer(redisDriver({ connection: new Redis(redisUrl), prefix: 'bento' }));
  const bento = new BentoCache({ default: 'values', stores: { values: store }, ttl: `${TTL_SECONDS}s` });
  return {
    store: async (key, group) => {
      await bento.set({ key, value: VALUE, tags: [group] });
    },
    invalidate: () => bento.deleteByTag({ tags: ['doomed'] }),
    isServed: (key) => servedBy((load) => bento.getOrSet({ key, factory: load })),
  };
};

export const asyncCacheDedupeByReference: StartSubject = async (redisUrl) => {
  const client = new Redis(redisUrl);
  const invalidation = { referencesTTL: TTL_SECONDS };
  const cache = createCache({ ttl: TTL_SECONDS, storage: { type: 'redis', options: { client, invalidation } } }).define(
    'value',
    {
      serialize: ({ key }: Asked) => key,
      references: ({ group }: Asked) => [group],
    },
    ({ load }: Asked) => load(),
  );
  return {
    store: async (key, group) => {
      await cache.value({ key, group, load: async () => VALUE });
    },
    invalidate: () => cache.invalidateAll('doomed'),
    isServed: (key) => servedBy((load) => cache.value({ key, group: 'others', load })),
  };
};

interface Asked {
  readonly key: string;
  readonly group: Group;
  readonly load: () => Promise<typeof VALUE>;
}

/** No library: keys under a prefix, removed as a how-to does it. */
async function plain(
  redisUrl: string,
  remove: (redis: Redis, pattern: string) => Promise<unknown>,
): Promise<InvalidateSubject> {
  const redis = new Redis(redisUrl);
  return {
    store: async (key) => {
      await redis.set(`plain:${key}`, JSON.stringify(VALUE), 'EX', TTL_SECONDS);
    },
    storeMany: async (keys) => {
      const pipeline = redis.pipeline();
      for (const key of keys) pipeline.set(`plain:${key}`, JSON.stringify(VALUE), 'EX', TTL_SECONDS);
      await pipeline.exec();
    },
    invalidate: () => remove(redis, 'plain:doomed-*'),
    isServed: async (key) => (await redis.exists(`plain:${key}`)) === 1,
  };
}

export const scanAndDelete: StartSubject = (redisUrl) =>
  plain(redisUrl, async (redis, pattern) => {
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
      if (keys.length > 0) await redis.del(...keys);
      cursor = next;
    } while (cursor !== '0');
  });

export const keysAndDelete: StartSubject = (redisUrl) =>
  plain(redisUrl, async (redis, pattern) => {
    const keys = await redis.keys(pattern);
    // More arguments than this a call does not take.
    for (let at = 0; at < keys.length; at += 50_000) await redis.del(...keys.slice(at, at + 50_000));
  });
