import { FamilyGlob, keyspace, type Entry, type EntryLabels, type KeyRef } from '@promptsales/cache-core';

/** What is cached: entries of two families, each under one namespace and two tags. */
export const ENTRIES = 48;
const NAMESPACES = 3;
const TAGS = 4;
/** Without other writers: a foreign value has no version that could be invalidated. */
const FAMILIES = [keyspace.githubRepos, keyspace.surfsense] as const;

export type EntryRef = KeyRef<(typeof FAMILIES)[number]>;

/** What one invalidation reaches: one entry, or all of a tag, a namespace, a family or a pattern. */
export interface Reach {
  readonly kind: 'key' | 'tag' | 'namespace' | 'family' | 'pattern';
  readonly index: number;
}

/** A pattern is over the last digit, which also says of which family an entry is. */
export const REACH_SIZES = {
  key: ENTRIES,
  tag: TAGS,
  namespace: NAMESPACES,
  family: FAMILIES.length,
  pattern: 10,
} as const satisfies Record<Reach['kind'], number>;

export function refOf(entry: number): EntryRef {
  const name = `chaos_${entry}`;
  return familyIndexOf(entry) === 0
    ? keyspace.githubRepos.at({ user: name })
    : keyspace.surfsense.at({ empresa_normalizada: name });
}

export function familyOf(index: number): (typeof FAMILIES)[number] {
  return FAMILIES[index] as (typeof FAMILIES)[number];
}

export function globOf(lastDigit: number): FamilyGlob {
  const family = familyIndexOf(lastDigit) === 0 ? 'github_repos' : 'surfsense';
  return FamilyGlob.parse(`${family}:chaos_*${lastDigit}`);
}

export function labelsOf(entry: number): EntryLabels {
  return {
    namespace: nameOf('namespace', namespaceIndexOf(entry)),
    tags: tagIndexesOf(entry).map((at) => nameOf('tag', at)),
  };
}

export function cacheEntryOf(entry: number): Entry {
  return { ref: refOf(entry) };
}

export function nameOf(kind: 'tag' | 'namespace', index: number): string {
  return `chaos-${kind}-${index}`;
}

/** The entries that an invalidation reaches. */
export function entriesUnder({ kind, index }: Reach): number[] {
  if (kind === 'key') return [index];
  const all = Array.from({ length: ENTRIES }, (_, entry) => entry);
  if (kind === 'tag') return all.filter((entry) => tagIndexesOf(entry).includes(index));
  if (kind === 'pattern') return all.filter((entry) => entry % REACH_SIZES.pattern === index);
  if (kind === 'namespace') return all.filter((entry) => namespaceIndexOf(entry) === index);
  return all.filter((entry) => familyIndexOf(entry) === index);
}

const familyIndexOf = (entry: number): number => entry % FAMILIES.length;
const namespaceIndexOf = (entry: number): number => Math.floor(entry / 2) % NAMESPACES;
const tagIndexesOf = (entry: number): number[] =>
  [entry % TAGS, (entry + 1 + Math.floor(entry / TAGS)) % TAGS].filter((index, at, all) => all.indexOf(index) === at);
