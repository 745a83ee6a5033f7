import { Cacheable } from 'cacheable';
import { createKeyv } from '@keyv/redis';
import { TTL_SECONDS, type StartLibrary } from './library.js';

export const cacheable: StartLibrary = async (redisUrl, tiers) => {
  const redis = createKeyv(redisUrl, { namespace: 'cacheable' });
  const cache = new Cacheable({
    ttl: TTL_SECONDS * 1000,
    ...(tiers === 'redis' ? { primary: redis } : { secondary: redis }),
  });
  return {
    getOrLoad: (key, load) => cache.getOrSet(key, load),
    getMany: (keys) => cache.getMany([...keys]),
    close: async () => {
      await cache.disconnect();
    },
  };
};
