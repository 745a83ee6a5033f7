/** What is read and written in a run: entries of one family, by number, each with a version at the origin. */
import {
  FamilyGlob,
  keyspace,
  type Cache,
  type EntryLabels,
  type Invalidation,
  type KeyRef,
} from '@promptsales/cache-core';
import type { HouseProcess } from './house.js';
import type { Reach } from './plan.js';

export type EntryFamily = typeof keyspace.githubRepos;
type EntryRef = KeyRef<EntryFamily>;

export function refOf(entry: number): EntryRef {
  return keyspace.githubRepos.at({ user: `e${entry}` });
}

export function labelsOf(entry: number): EntryLabels {
  return { namespace: 'n', tags: [`t${entry}`, 'shared'] };
}

export function invalidate({ cache }: HouseProcess, entry: number, by: Reach): Promise<Invalidation> {
  switch (by) {
    case 'key':
      return cache.invalidate({ ref: refOf(entry) });
    case 'own tag':
      return cache.invalidateTag(`t${entry}`);
    case 'shared tag':
      return cache.invalidateTag('shared');
    case 'namespace':
      return cache.invalidateNamespace('n');
    case 'pattern':
      return invalidatePattern(cache);
    default:
      return cache.invalidateFamily(keyspace.githubRepos);
  }
}

/** Of all entries: what covers one alone is no pattern. */
async function invalidatePattern(cache: Cache): Promise<Invalidation> {
  const run = { dryRun: false, signal: new AbortController().signal };
  const { deleted } = await cache.invalidateMatching(FamilyGlob.of(keyspace.githubRepos, {}), run);
  return { deleted, pending: false };
}

/** What lies at the origin. */
export interface Version {
  readonly version: number;
}

/** Whether the origin has nothing in this version. */
export function isAbsent(version: number): boolean {
  return version % 5 === 4;
}
