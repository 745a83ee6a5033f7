import { randomBytes } from 'node:crypto';
import type { Family } from '../keyspace/family.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import { isVersioned, versionKeys } from '../keyspace/version-key.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { Values } from '../redis/gathered-reads.js';
import type { Entry } from './entry.js';

/**
 * Versions: how a family, a namespace or a tag is invalidated in one step, however many entries it has.
 *
 * Each subject (`family:…`, `namespace:…`, `tag:…`, within a tenant) has a version in a key of its own. An entry records
 * the versions of its subjects as they stood *before* its load began, and is a hit only while each is still the current
 * one. To invalidate is to give the subject another version.
 *
 * Invariants
 * 1. A version is unguessable and never repeats, and a new one is made for every attempt. A counter that was lost and began
 *    again would one day equal what an old entry recorded; so would the version of an invalidation that is repeated.
 * 2. A version that is not there equals none: losing it (eviction, a restart) costs misses and never revives an entry.
 * 3. What a load records was read or made before it began. An invalidation that completes while it runs leaves the entry
 *    with an old version: it may be written, and is never served.
 */

/** Subject, version, subject, version, … as sidecars and leases record them. */
export type VersionPairs = readonly string[];

/** The subjects that a caller knows of, beginning with the family's; empty in roles that have none. */
export interface Subjects {
  readonly names: readonly string[];
  readonly keys: readonly string[];
}

export const MOST_TAGS = 64;
/** Family, namespace and tags. */
export const MOST_SUBJECTS = MOST_TAGS + 2;

const DAY_MS = 86_400_000;
/** Longer than nearly all entries; what it cuts short are misses. */
const VERSION_TTL_MS = 30 * DAY_MS;
/** A version in use is prolonged so often by each process. */
const PROLONGED_EVERY_MS = DAY_MS;
const MOST_REMEMBERED = 10_000;

const ENSURE = loadScript(new URL('./lua/ensure-version.lua', import.meta.url));
const BUMP = loadScript(new URL('./lua/bump-version.lua', import.meta.url));
const NO_SUBJECTS: Subjects = Object.freeze({ names: [], keys: [] });

/**
 * The subjects of an entry, as its caller names them.
 * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
 */
export function subjectsOf({ ref: { family, tenant }, labels }: Entry, keyPrefix: string): Subjects {
  const { namespace, tags = [] } = labels ?? {};
  if (!isVersioned(family.role)) {
    if (namespace === undefined && tags.length === 0) return NO_SUBJECTS;
    const problem = `keys of role ${family.role} have no namespaces and no tags: invalidate them by key`;
    throw new KeyspaceError('labels', problem, { family: family.id });
  }
  if (tags.length > MOST_TAGS) {
    const problem = `an entry has at most ${MOST_TAGS} tags, not ${tags.length}: use a namespace, or fewer and wider tags`;
    throw new KeyspaceError('labels', problem, { family: family.id });
  }
  if (namespace === undefined && tags.length === 0) {
    const known = latestSubjects.get(family.id);
    if (known?.tenant === tenant && known.keyPrefix === keyPrefix) return known.subjects;
    const name = familySubject(family);
    const subjects = { names: [name], keys: [versionKeys.keyOf(name, tenant, keyPrefix)] };
    latestSubjects.set(family.id, { tenant, keyPrefix, subjects });
    return subjects;
  }
  const names = new Set([familySubject(family)]);
  if (namespace !== undefined) names.add(versionKeys.subject('namespace', namespace));
  for (const tag of tags) names.add(versionKeys.subject('tag', tag));
  return { names: [...names], keys: [...names].map((name) => versionKeys.keyOf(name, tenant, keyPrefix)) };
}

/** Of the tenant who asked last, by family: most hits need no other. */
const latestSubjects = new Map<string, { tenant: string; keyPrefix: string; subjects: Subjects }>();

const familySubjects = new Map<string, string>();

/** Every hit needs it: made once for each family. */
export function familySubject({ id }: Family): string {
  let subject = familySubjects.get(id);
  if (subject === undefined) familySubjects.set(id, (subject = versionKeys.subject('family', id)));
  return subject;
}

/** The versions that one look saw, or several that read them together. */
export class CurrentVersions {
  readonly #names: readonly string[];
  readonly #versions: readonly (string | null)[];
  readonly #others: CurrentVersions | null;

  /** @param others what was seen besides */
  constructor(names: readonly string[], versions: Values, others: CurrentVersions | null = null) {
    this.#names = names;
    this.#versions = versions.map((version) => version?.toString('latin1') ?? null);
    this.#others = others;
  }

  /** The subjects among what is recorded that were not looked at yet, each once. */
  unknownAmong(...records: readonly (VersionPairs | null | undefined)[]): readonly string[] {
    const unknown: string[] = [];
    for (const pairs of records) {
      if (!pairs) continue;
      for (let at = 0; at < pairs.length; at += 2) {
        const name = pairs[at] as string;
        if (!this.#knows(name) && !unknown.includes(name)) unknown.push(name);
      }
    }
    return unknown;
  }

  of(name: string): string | null {
    const at = this.#names.indexOf(name);
    return at < 0 ? (this.#others?.of(name) ?? null) : (this.#versions[at] ?? null);
  }

  /** Whether each recorded version is the current one. */
  allow(pairs: VersionPairs): boolean {
    for (let at = 0; at < pairs.length; at += 2) {
      if (this.of(pairs[at] as string) !== pairs[at + 1]) return false;
    }
    return true;
  }

  #knows(name: string): boolean {
    return this.#names.includes(name) || (this.#others !== null && this.#others.#knows(name));
  }
}

/** Makes versions that are missing and keeps those in use alive. */
export class VersionKeeper {
  /** When this process last saw to it that a version lives for its whole time, by key. */
  readonly #prolongedAt = new Map<string, number>();

  /**
   * What a load records that begins after this has returned: the versions that `current` saw, and new ones where it saw
   * none.
   * @throws RedisUnavailableError
   */
  async forLoad(link: RedisLink, { names, keys }: Subjects, current: CurrentVersions): Promise<VersionPairs> {
    const versions = await Promise.all(
      names.map(async (name, at) => {
        const key = keys[at] as string;
        const seen = current.of(name);
        return seen !== null && this.#recentlyProlonged(key) ? seen : this.#ensure(link, key);
      }),
    );
    return names.flatMap((name, at) => [name, versions[at] as string]);
  }

  async #ensure(link: RedisLink, key: string): Promise<string> {
    const version = String(await link.run(ENSURE, [key], [newVersion(), VERSION_TTL_MS]));
    if (this.#prolongedAt.size >= MOST_REMEMBERED) this.#prolongedAt.clear();
    this.#prolongedAt.set(key, performance.now());
    return version;
  }

  #recentlyProlonged(key: string): boolean {
    const at = this.#prolongedAt.get(key);
    return at !== undefined && performance.now() - at < PROLONGED_EVERY_MS;
  }
}

type Run = RedisLink['run'];

/** Invalidates all entries under a subject. Each attempt makes a version of its own (invariant 1). */
export function bumpVersion(run: Run, key: string): Promise<unknown> {
  return run(BUMP, [key], [newVersion(), VERSION_TTL_MS]);
}

function newVersion(): string {
  return randomBytes(12).toString('base64url');
}

/** When the latest invalidation was among those that made these versions; 0 for none. */
export function bumpedAtMs(pairs: VersionPairs): number {
  let latest = 0;
  for (let at = 1; at < pairs.length; at += 2) {
    const version = pairs[at] as string;
    const dot = version.indexOf('.');
    if (dot >= 0) latest = Math.max(latest, Number(version.slice(dot + 1)) || 0);
  }
  return latest;
}
