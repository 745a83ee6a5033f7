import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import { TTL_SECONDS, type StartLibrary } from './library.js';

export const bentocache: StartLibrary = async (redisUrl, tiers) => {
  const connection = new Redis(redisUrl);
  const l2 = redisDriver({ connection, prefix: 'bento' });
  const both = (): ReturnType<typeof bentostore> =>
    bentostore()
      .useL1Layer(memoryDriver({ maxItems: 100_000 }))
      .useL2Layer(l2)
      .useBus(redisBusDriver({ connection: { host: connection.options.host!, port: connection.options.port! } }));
  const store = tiers === 'redis' ? bentostore().useL2Layer(l2) : both();
  const bento = new BentoCache({ default: 'values', stores: { values: store }, ttl: `${TTL_SECONDS}s` });
  return {
    getOrLoad: (key, load) => bento.getOrSet({ key, factory: load }),
    close: () => bento.disconnectAll(),
  };
};
