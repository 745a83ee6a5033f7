import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import { TTL_SECONDS, type Load, type StartLibrary } from './library.js';

interface Asked {
  readonly key: string;
  readonly load: Load;
}

/** It has one tier: memory or Redis. With both allowed it is measured on Redis, which its processes share. */
export const asyncCacheDedupe: StartLibrary = async (redisUrl) => {
  const client = new Redis(redisUrl);
  const cache = createCache({ ttl: TTL_SECONDS, storage: { type: 'redis', options: { client } } }).define(
    'value',
    { serialize: ({ key }: Asked) => key },
    ({ load }: Asked) => load(),
  );
  return {
    getOrLoad: (key, load) => cache.value({ key, load }),
    close: async () => {
      await client.quit();
    },
  };
};
