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
    close: async () => {
      cache.close();
      await roles.close();
    },
  };
};
