import {
  Cache,
  CacheAside,
  FamilyGlob,
  keyspace,
  physicalKey,
  colocate,
  companions,
  RedisRoles,
  type KeyRef,
} from '@promptsales/cache-core';
import { Redis } from 'ioredis';
import {
  isOther,
  TTL_SECONDS,
  VALUE,
  type Group,
  type InvalidateSubject,
  type StartSubject,
} from './invalidate-subject.js';

interface Opened extends Pick<InvalidateSubject, 'store' | 'storeMany' | 'isServed'> {
  readonly cache: Cache;
}

const doomedFamily = keyspace.githubRepos;
const otherFamily = keyspace.surfsense;

async function open(redisUrl: string, { othersApart = false } = {}): Promise<Opened> {
  const roles = new RedisRoles({ url: redisUrl, layout: 'single' }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(5000)));
  const cache = new Cache(roles);
  const aside = new CacheAside(cache, roles);
  const raw = new Redis(redisUrl);
  const refOf = (key: string): KeyRef<typeof doomedFamily | typeof otherFamily> =>
    othersApart && isOther(key) ? otherFamily.at({ empresa_normalizada: key }) : doomedFamily.at({ user: key });
  const placesOf = (key: string): [string, string] => {
    const value = physicalKey('', refOf(key).key);
    return [value, colocate(value, companions.sidecar.label, '')];
  };
  return {
    cache,
    store: async (key: string, group: Group) => {
      const loaded = await aside.getOrLoad(refOf(key), async () => VALUE, {
        labels: { tags: [group] },
        ttlSeconds: TTL_SECONDS,
      });
      await loaded.stored;
    },
    // An entry is its value and its sidecar, and neither names the key: what one has, the others get.
    storeMany: async (keys, like) => {
      const [value, sidecar] = await Promise.all(placesOf(like).map((place) => raw.getBuffer(place)));
      const pipeline = raw.pipeline();
      for (const key of keys) {
        const [atValue, atSidecar] = placesOf(key);
        pipeline.set(atValue, value as Buffer, 'EX', TTL_SECONDS).set(atSidecar, sidecar as Buffer, 'EX', TTL_SECONDS);
      }
      await pipeline.exec();
    },
    isServed: async (key) => {
      let loads = 0;
      const load = async (): Promise<typeof VALUE> => {
        loads += 1;
        return VALUE;
      };
      await aside.getOrLoad(refOf(key), load);
      return loads === 0;
    },
  };
}

export const oursByTag: StartSubject = async (redisUrl) => {
  const { cache, ...rest } = await open(redisUrl);
  return { ...rest, invalidate: () => cache.invalidateTag('doomed'), afterwards: () => cache.sweepLeftovers() };
};

/** Here the others are of another family. */
export const oursByFamily: StartSubject = async (redisUrl) => {
  const { cache, ...rest } = await open(redisUrl, { othersApart: true });
  return { ...rest, invalidate: () => cache.invalidateFamily(doomedFamily) };
};

export const oursByPattern: StartSubject = async (redisUrl) => {
  const { cache, ...rest } = await open(redisUrl);
  const glob = FamilyGlob.parse('github_repos:doomed-*');
  const run = { dryRun: false, signal: new AbortController().signal };
  return { ...rest, invalidate: () => cache.invalidateMatching(glob, run) };
};
