/**
 * L1: decoded values in this process's own memory, in front of Redis. A hit is a look into a map: no promise, no clone,
 * no decoding, no network.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. Nothing is served that Redis replaced longer ago than the bound: an entry is readable only while what tells of the
 *    changes of every server of its link is trusted (see FeedConnection), and goes as soon as a message names its key.
 * 2. An answer of Redis may arrive behind the message that its key has changed. It is kept only if the link was
 *    trusted when the question was sent and nothing was emptied since, and no message named the key in between.
 * 3. The same holds for the keys that an entry depends on (versions of its tags, namespace, family): a message for one
 *    of them is a new number in its bucket, and an entry read before that number is not served any more.
 * 4. What this process itself writes or invalidates is gone from here before Redis is asked to, and again after.
 * 5. An entry is served until its TTL ends, for the tenant that it belongs to, to readers with the decoder that made it.
 * 6. Entries together take no more than `maxBytes` (as HeapBytes reckons them).
 * 7. What is made of an entry's value and a part of it lies under the value's key, beside what is made of the value alone,
 *    and goes when either of the two keys changes.
 */
import type { Hit } from '../cache/judgement.js';
import { changeKeys } from '../keyspace/change-keys.js';
import { entryParts, type Companion } from '../keyspace/companion.js';
import type { Family } from '../keyspace/family.js';
import { versionKeys } from '../keyspace/version-key.js';
import type { RedisLink } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import type { FeedState } from './change-feed.js';
import { deepFreeze } from './deep-freeze.js';
import { bucketOf, Generations } from './generations.js';
import { heapBytesOf } from './heap-bytes.js';
import type { L1Observer } from './l1-observer.js';
import { LinkFeed } from './link-feed.js';
import { MemoryStore } from './memory-store.js';
import type { FeedPlace } from './node-feed.js';
import { rootsOf } from './roots.js';
import { resolveL1, type L1Settings } from './settings.js';
import { TurnClock } from './turn-clock.js';

/** Proof that what tells of changes was trusted before a read was sent. */
export interface Ticket {
  readonly feed: LinkFeed;
  readonly sequence: number;
  readonly versionSequence: number;
}

/** What was read from Redis and may be kept. */
export interface Candidate {
  /** As it lies in Redis, KEY_PREFIX included. */
  readonly key: string;
  readonly hit: Hit<unknown>;
  readonly tenant: string;
  /** The function that made the value out of bytes. */
  readonly decoder: unknown;
  readonly madeFromBytes: number;
  /** Physical keys that the entry depends on besides its own. */
  readonly dependsOn?: readonly string[];
}

interface Held {
  /** As it was served last: those who come within a millisecond share it. */
  hit: Hit<unknown>;
  readonly tenant: string;
  readonly decoder: unknown;
  readonly feed: LinkFeed;
  readonly versionSequence: number;
  /** By the monotonic clock. */
  readonly freshUntil: number;
  readonly expiresAt: number;
  /** What the server's clock is ahead of the monotonic one. */
  readonly clockAhead: number;
  readonly buckets: readonly number[];
  readonly bytes: number;
  /** The same entry in its other form. */
  readonly other: Held | null;
}

export interface L1Status {
  readonly bytes: number;
  readonly entries: number;
  readonly servers: readonly { readonly link: string; readonly state: FeedState; readonly reason: string | null }[];
}

/** Of an entry itself, besides its key and value. */
const ENTRY_BYTES = 300;
/** What a hit says of when it was read may be so much earlier. */
const SAME_MOMENT_MS = 1;
const NO_BUCKETS: readonly number[] = [];

export class L1 {
  readonly #settings: L1Settings;
  readonly #observer: L1Observer;
  readonly #links = new Map<RedisLink, LinkFeed>();
  readonly #keys = new Generations();
  /** Of versions apart: each has many entries, which must not go because a key that shares its bucket was written. */
  readonly #versions = new Generations();
  readonly #versionRoot: string;
  readonly #keyPrefix: string;
  readonly #partRoots: readonly { readonly part: Companion; readonly root: string }[];
  readonly #store: MemoryStore<Held>;
  readonly #clock: TurnClock;
  /** A shared value that a reader changes is a bug that production should not pay to find. */
  readonly #freezes = process.env['NODE_ENV'] !== 'production';

  constructor(
    roles: RedisRoles,
    families: readonly Family[],
    { keyPrefix, ...settings }: Partial<L1Settings> & { readonly keyPrefix: string },
    observer: L1Observer = {},
    clock = new TurnClock(),
  ) {
    this.#settings = resolveL1(settings);
    this.#observer = observer;
    this.#clock = clock;
    this.#versionRoot = `${keyPrefix}${versionKeys.label}:`;
    this.#keyPrefix = keyPrefix;
    this.#partRoots = entryParts.map((part) => ({ part, root: `${keyPrefix}${part.label}:` }));
    this.#store = new MemoryStore(this.#settings.maxBytes);
    for (const link of roles.links()) {
      const here = new Set(roles.rolesOf(link));
      const roots = rootsOf(
        families.filter(({ role }) => here.has(role)),
        keyPrefix,
      );
      const place = { roots, changesKey: changeKeys.at(keyPrefix) };
      if (roots.length > 0) this.#links.set(link, this.#follow(link, place));
    }
  }

  /** The entry under a physical key, if it may be served now. */
  get<T>(key: string, decoder: unknown, tenant: string): Hit<T> | undefined {
    return this.#get(key, decoder, tenant, false);
  }

  /** The same, while it is fresh. */
  getFresh<T>(key: string, decoder: unknown, tenant: string): Hit<T> | undefined {
    return this.#get(key, decoder, tenant, true);
  }

  /** Whether some reader of this tenant would be served here. */
  serves(key: string, tenant: string): boolean {
    return this.get(key, this.#store.get(key)?.decoder, tenant) !== undefined;
  }

  /** Before a read is sent. Null: its answer cannot be kept. */
  ticket(link: RedisLink, { l1, otherWriters }: Pick<Family, 'l1' | 'otherWriters'>): Ticket | null {
    const feed = l1 ? this.#links.get(link) : undefined;
    if (feed === undefined || this.#clock.now() >= feed.trustedUntil) return null;
    if (otherWriters && !feed.hearsOfEverybody) return null;
    return { feed, sequence: this.#keys.sequence, versionSequence: this.#versions.sequence };
  }

  /** Whether it was kept. */
  keep({ feed, sequence, versionSequence }: Ticket, candidate: Candidate): boolean {
    const { key, hit, tenant, decoder, dependsOn } = candidate;
    // What another system wrote says nothing of when it ends.
    if (hit.expiresAtMs === null) return false;
    const now = this.#clock.now();
    if (now >= feed.trustedUntil) return false;
    if (this.#keys.hasChangedSince(bucketOf(key), sequence)) return false;
    const buckets = dependsOn === undefined || dependsOn.length === 0 ? NO_BUCKETS : dependsOn.map(bucketOf);
    const clockAhead = hit.readAtMs - now;
    const expiresAt = hit.expiresAtMs - clockAhead;
    const freshUntil = hit.freshUntilMs === null ? expiresAt : hit.freshUntilMs - clockAhead;
    const bytes = ENTRY_BYTES + 2 * key.length + heapBytesOf(hit.value, candidate.madeFromBytes);
    const other = this.#otherForm(key, decoder);
    const times = { freshUntil, expiresAt, clockAhead };
    const held: Held = { hit, tenant, decoder, feed, versionSequence, ...times, buckets, bytes, other };
    if (!this.#store.set(key, held, bytes + (other?.bytes ?? 0))) return false;
    if (this.#freezes) deepFreeze(hit.value);
    return true;
  }

  /** A key is about to be changed, or was: nothing that was read before counts. */
  drop(key: string): void {
    if (key.startsWith(this.#versionRoot)) {
      this.#versions.changed(key);
    } else {
      const entry = this.#entryAt(key);
      this.#keys.changed(entry);
      this.#store.delete(entry);
    }
  }

  /** The same for all keys of which this is true: a look at each that is kept, and none that is being read is kept. */
  dropWhere(goes: (key: string) => boolean): void {
    this.#keys.everythingChanged();
    this.#store.deleteWhere((_held, key) => goes(key));
  }

  get status(): L1Status {
    const servers = [...this.#links.values()].flatMap((feed) => feed.servers);
    return { bytes: this.#store.bytes, entries: this.#store.size, servers };
  }

  close(): void {
    for (const feed of this.#links.values()) feed.close();
    this.#store.clear();
  }

  #get<T>(key: string, decoder: unknown, tenant: string, fresh: boolean): Hit<T> | undefined {
    let held = this.#store.get(key);
    if (held !== undefined && held.decoder !== decoder) held = held.other ?? undefined;
    if (held === undefined || held.decoder !== decoder || held.tenant !== tenant) return undefined;
    const now = this.#clock.now();
    if (now >= held.feed.trustedUntil) return undefined;
    if (now < held.expiresAt && !this.#outdated(held)) {
      if (fresh && now >= held.freshUntil) return undefined;
      const readAtMs = now + held.clockAhead;
      // In a hot loop making it anew costs as much as all the rest.
      if (readAtMs - held.hit.readAtMs >= SAME_MOMENT_MS) held.hit = hitAt(held.hit, readAtMs);
      return held.hit as Hit<T>;
    }
    this.#store.delete(key);
    return undefined;
  }

  /** What is held of the entry in the form that this decoder does not make. */
  #otherForm(key: string, decoder: unknown): Held | null {
    const held = this.#store.get(key);
    if (held === undefined) return null;
    const other = held.decoder === decoder ? held.other : held;
    return other === null || this.#outdated(other) ? null : { ...other, other: null };
  }

  /** The key that an entry is held under: its value's, also for one of its parts. */
  #entryAt(key: string): string {
    const its = this.#partRoots.find(({ root }) => key.startsWith(root));
    return its?.part.subjectOf(key, this.#keyPrefix) ?? key;
  }

  #follow(link: RedisLink, place: FeedPlace): LinkFeed {
    const feed: LinkFeed = new LinkFeed(link, place, this.#settings, {
      changed: (key) => this.drop(key),
      emptied: (why) => {
        this.#keys.everythingChanged();
        this.#store.deleteWhere((held) => held.feed === feed);
        this.#observer.emptied?.(why);
      },
    });
    return feed;
  }

  #outdated({ buckets, versionSequence }: Held): boolean {
    // Mostly nothing has changed since.
    if (this.#versions.sequence === versionSequence) return false;
    for (const bucket of buckets) if (this.#versions.hasChangedSince(bucket, versionSequence)) return true;
    return false;
  }
}

/** Field by field, which takes half as long as a spread. */
function hitAt<T>(hit: Hit<T>, readAtMs: number): Hit<T> {
  const { value, storedAtMs, freshUntilMs, expiresAtMs, loadCostMs, note, versions } = hit;
  return { value, storedAtMs, freshUntilMs, expiresAtMs, loadCostMs, readAtMs, note, versions };
}
