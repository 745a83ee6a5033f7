import { cachified as getCachified, type Cache, type CacheEntry } from '@epic-web/cachified';
import { Redis } from 'ioredis';
import { TTL_SECONDS, type StartLibrary } from './library.js';

/** One tier, behind an adapter that its user writes: this one is its documentation's for Redis, on ioredis. */
export const cachified: StartLibrary = async (redisUrl) => {
  const redis = new Redis(redisUrl);
  const cache: Cache = {
    name: 'Redis',
    get: async (key) => {
      const found = await redis.get(`cachified:${key}`);
      return found === null ? null : (JSON.parse(found) as CacheEntry);
    },
    set: (key, entry) => redis.set(`cachified:${key}`, JSON.stringify(entry), 'EX', TTL_SECONDS),
    delete: (key) => redis.del(`cachified:${key}`),
  };
  return {
    getOrLoad: (key, load) => getCachified({ key, cache, ttl: TTL_SECONDS * 1000, getFreshValue: load }),
    close: async () => {
      await redis.quit();
    },
  };
};
