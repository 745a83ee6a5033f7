import { Cache, CacheAside, keyspace, RedisRoles } from '@promptsales/cache-core';
import type { StartLibrary } from './library.js';

const CONNECT_WITHIN_MS = 5000;

export const ours: StartLibrary = async (redisUrl, tiers) => {
  const roles = new RedisRoles({ url: redisUrl, layout: 'single' }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(CONNECT_WITHIN_MS)));
  const cache = new Cache(roles, { l1: tiers === 'redis' ? null : {} });
  const aside = new CacheAside(cache, roles);
  return {
    getOrLoad: async (key, load) => (await aside.getOrLoad(keyspace.appValue.at({ key }), load)).value,
    getMany: async (keys) => {
      const refs = keys.map((key) => keyspace.appValue.at({ key }));
      const loaded = await aside.getMany(refs, (missing) => {
        throw new Error(`${missing.length} values that are stored are loaded`);
      });
      return loaded.map(({ value }) => value);
    },
    close: async () => {
      cache.close();
      await roles.close();
    },
  };
};
