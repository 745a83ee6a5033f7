import { createKeyv as createMemory } from 'cacheable';
import { createCache } from 'cache-manager';
import { createKeyv as createRedis } from '@keyv/redis';
import { TTL_SECONDS, type StartLibrary } from './library.js';

export const cacheManager: StartLibrary = async (redisUrl, tiers) => {
  const redis = createRedis(redisUrl, { namespace: 'cache-manager' });
  const ttl = TTL_SECONDS * 1000;
  const cache = createCache({ ttl, stores: tiers === 'redis' ? [redis] : [createMemory({ ttl }), redis] });
  return {
    getOrLoad: (key, load) => cache.wrap(key, load),
    getMany: (keys) => cache.mget([...keys]),
    close: async () => {
      await cache.disconnect();
    },
  };
};
