/**
 * The cache protocol. One protocol serves every cached thing: library calls, gateways, proxies.
 *
 * An entry is a value under its contract key, a sidecar, perhaps parts (other forms of the same answer), and while it is
 * being loaded a lease, all in one cluster slot. It is under versions: of its family, and of the namespace and the tags
 * that it was stored with (see `versions.ts`).
 *
 * Invariants, each with a test that fails when it is removed
 *  1. A hit costs one round trip and no Lua: value, sidecar, lease and the versions that the caller names are read
 *     together. Versions that an entry records and the caller did not name cost a second trip.
 *  2. A value is served only beside its own sidecar: same tenant, same fingerprint. Anything else reads as a miss.
 *     (Families that declare other writers are read without one.)
 *  3. An entry is served only while every version that it records is the current one, its family's among them. A version
 *     that is missing equals none.
 *  4. At most one flight loads an entry over all processes: it holds the lease, and whoever takes it has seen the entry as
 *     it still is.
 *  5. A fill writes value, sidecar and parts in one script, and only if the lease is still the one it was given.
 *  6. An invalidation of a key removes value, sidecar, parts and lease in one script. With 5: once it has completed, no
 *     load that began before it can store its value. With the rule of Flights: no caller that arrives after it gets that
 *     value.
 *  7. An invalidation of a family, a namespace or a tag gives it a version that it never had. An entry records versions
 *     that were read before its load began; with 3: once it has completed, what was loaded before it is not served. A
 *     lease names those versions too, and is only joined while they are current: with it, no caller that arrives after
 *     the invalidation waits for such a load.
 *  8. A stale value is served only while it is a hit by all the above: an invalidation ends it at once, whatever its grace.
 *  9. What versions leave behind at contract keys is removed later, for other readers, and only as it was judged (see
 *     Leftovers); nothing here depends on that.
 * 10. A caller boards a flight of this process only by the lease that he saw after he arrived, or because it was announced
 *     after he arrived: each shows that its load began after all that had been invalidated when he came (see Flights). So
 *     however many callers come at once, their process asks for the lease once.
 * 11. Losers of the lease follow its holder or wait for it; a dead holder costs at most the lease's time.
 * 12. When Redis is away, the caller is sent to its origin at once; flights are shared within the process, nothing is
 *     stored, and invalidations are kept and replayed before anything is read again (see InvalidationJournal).
 * 13. In front of all this may stand L1, the process's own memory, which is at most its bound behind Redis (see L1). It
 *     follows the versions that an entry records as it follows the entry's own key.
 * 14. What lies at a key and cannot be used (another type, truncated, a newer version, too large) is a miss and is
 *     counted, never an error.
 */
import type { FamilyGlob } from '../invalidation/family-glob.js';
import type { PatternProgress, PatternRun } from '../invalidation/pattern-invalidation.js';
import { changeKeys } from '../keyspace/change-keys.js';
import { DEFAULT_TENANT, type Family, type KeyRef } from '../keyspace/family.js';
import { keyspace } from '../keyspace/keyspace.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import { isVersioned } from '../keyspace/version-key.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import { L1, type L1Status } from '../l1/l1.js';
import { keysOf, type Entry, type EntryKeys, type Reading } from './entry.js';
import { Flights, type Flight } from './flights.js';
import type { Hit } from './judgement.js';
import { EVERYWHERE, Invalidations, type Invalidation, type InvalidationOptions } from './invalidations.js';
import { Leaderships } from './leadership.js';
import { LoadingPolicies } from './loading-policy.js';
import { Looks } from './looks.js';
import { look, type Look, type Lookup } from './lookup.js';
import type { CacheObserver, FillResult } from './observer.js';
import { OwnMemory } from './own-memory.js';
import { Opening, type Boardings, type Caller, type Opened, type Sighting } from './opening.js';
import { DEFAULT_CACHE, type CacheSettings } from './settings.js';
import { Reservations, type Reservation } from './reservations.js';
import { ttlSeconds, type Filling } from './storing.js';
import { subjectsOf, VersionKeeper } from './versions.js';
import { WriteThrough } from './write-through.js';

/** See `Cache.examine`. */
export interface Examination<T> {
  readonly keys: EntryKeys;
  readonly link: RedisLink;
  readonly seen: Look<T>;
  /** An invalidation of it waits for Redis. */
  readonly blocked: boolean;
  /** Null: nothing is kept of such entries. */
  readonly inOwnMemory: boolean | null;
  readonly loadsHere: boolean;
}

/** See the invariants at the top of this file. */
export class Cache {
  /** How each family's values are loaded and age. */
  readonly policies: LoadingPolicies;
  readonly #roles: RedisRoles;
  readonly #settings: CacheSettings;
  readonly #observer: CacheObserver;
  readonly #memory: OwnMemory;
  readonly #leaderships: Leaderships;
  readonly #invalidations: Invalidations;
  readonly #looks: Looks;
  readonly #opening: Opening;
  readonly #writeThrough: WriteThrough;
  readonly #reservations: Reservations;

  constructor(roles: RedisRoles, settings: Partial<CacheSettings> = {}, observer: CacheObserver = {}) {
    this.#roles = roles;
    this.#settings = Object.freeze({ ...DEFAULT_CACHE, ...settings });
    this.#observer = observer;
    const { l1, keyPrefix } = this.#settings;
    // Whether or not this process has an L1: others may rely on its word.
    for (const link of roles.links()) link.tellChangesAt(changeKeys.at(keyPrefix));
    const kept = l1 === null ? null : new L1(roles, Object.values(keyspace), { ...l1, keyPrefix }, observer);
    this.#memory = new OwnMemory(kept, keyPrefix);
    this.policies = new LoadingPolicies(this.#settings.loading);
    const parts = {
      roles,
      observer,
      settings: this.#settings,
      flights: new Flights(),
      memory: this.#memory,
      policies: this.policies,
    };
    this.#leaderships = new Leaderships(parts);
    this.#invalidations = new Invalidations(parts);
    this.#looks = new Looks(parts, this.#invalidations);
    const keeper = new VersionKeeper();
    this.#writeThrough = new WriteThrough(parts, keeper, this.#invalidations);
    this.#reservations = new Reservations(parts, keeper, this.#leaderships, this.#invalidations);
    this.#opening = new Opening({
      ...parts,
      keeper,
      leaderships: this.#leaderships,
      peek: (reading) => this.peek(reading),
      looks: this.#looks,
    });
  }

  /** Names this process in lease tokens. */
  get processId(): string {
    return this.#leaderships.processId;
  }

  get observer(): CacheObserver {
    return this.#observer;
  }

  get random(): () => number {
    return this.#settings.random;
  }

  get keyPrefix(): string {
    return this.#settings.keyPrefix;
  }

  /**
   * The entry, if this process has it in its own memory: at once, and no older than L1's bound. What it holds is shared
   * with every other reader and must not be changed.
   * @param accept whether it will do; one that will not is no hit
   */
  peek<T>(reading: Reading<T>, accept?: (hit: Hit<T>) => boolean): Hit<T> | undefined {
    const hit = this.#memory.peek(reading);
    if (hit === undefined || accept?.(hit) === false) return undefined;
    this.#observer.hit?.(reading.ref.family.id, 'l1');
    return hit;
  }

  /** As `peek`, of an entry's value and only while it is fresh: for hot loops, with nothing made for the question. */
  peekFresh<T>(ref: KeyRef, decode: Reading<T>['decode']): Hit<T> | undefined {
    const hit = this.#memory.peekFresh(ref, decode);
    if (hit !== undefined) this.#observer.hit?.(ref.family.id, 'l1');
    return hit;
  }

  /**
   * The entry from this process's own memory, else from Redis. Nothing that Redis does or holds makes it throw.
   * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
   */
  async lookup<T>(reading: Reading<T>): Promise<Lookup<T>> {
    const hit = this.peek(reading);
    return hit === undefined ? this.ask(reading) : { kind: 'hit', hit, lease: null, madeFromBytes: 0 };
  }

  /**
   * Reads an entry and its lease from Redis in one round trip. Nothing that Redis does or holds makes it throw.
   * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
   */
  async ask<T>(reading: Reading<T>): Promise<Lookup<T>> {
    return (await this.#looks.at(reading))?.found ?? { kind: 'away' };
  }

  /**
   * Brings an entry that was just stored into this process's own memory, so that its first reader need not ask Redis: what
   * a process stores itself it hears of as a change, like what others store. Counts as nobody's reading.
   */
  async bringHome(reading: Reading<unknown>): Promise<void> {
    if (this.#memory.status === null || !reading.ref.family.l1) return;
    // Away, or not to be trusted: then there is nothing to bring.
    await this.#looks.uncounted(reading).catch((error: unknown) => {
      if (!(error instanceof RedisUnavailableError)) throw error;
    });
  }

  /**
   * The whole way of a caller: the entry, or a flight that will have it, which this caller leads, joins or follows.
   * `lead` and `follow` are called at most once, and their flights are shared with later callers.
   * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
   */
  open<T, F extends Flight>(reading: Reading<T>, boardings: Boardings<T, F>): Promise<Opened<T, F>> {
    return this.#opening.open(reading, boardings);
  }

  /**
   * The same in two steps, for a caller who has peeked and does something between them: he is looked up for once.
   * `anew` and `peeked` say nothing in its second step.
   * @throws KeyspaceError as `open` does
   */
  look<T>(reading: Reading<T>): Promise<Sighting<T>> {
    return this.#opening.look(reading);
  }

  /**
   * The same for many callers of one family and tenant whose readings name the same labels, none of whom asks to load anew
   * and all of whom have peeked: their entries are read together.
   * @throws KeyspaceError as `open` does
   */
  openEach<T, F extends Flight>(
    callers: readonly Caller<T, F>[],
  ): Promise<readonly (Opened<T, F> | Promise<Opened<T, F>>)[]> {
    return this.#opening.openEach(callers);
  }

  /**
   * Writes a value whoever is loading it: what is written is newer. Used by write-through.
   * @returns `dropped` when Redis could not be reached: then invalidate, so that the old value does not survive
   * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
   */
  put(entry: Entry, filling: Filling): Promise<FillResult> {
    return this.#writeThrough.put(entry, filling);
  }

  /**
   * For a change that is about to be made, and whose answer may be what a reader of the entry would get: that can be stored
   * then, unless something newer was told of the entry meanwhile. Nobody waits for it.
   * @returns null when it cannot be stored, because the entry is being loaded or Redis cannot be asked
   * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
   */
  reserve(entry: Entry): Promise<Reservation | null> {
    return this.#reservations.reserve(entry);
  }

  /**
   * Removes an entry and defeats every load of it that is in flight, in this and in all other processes.
   * While Redis is away the invalidation is kept and applied before this process reads from Redis again.
   */
  invalidate(entry: Entry, options: InvalidationOptions = {}): Promise<Invalidation> {
    return this.#invalidations.entry(entry, options);
  }

  /**
   * All entries of a tenant that were stored with this tag, in every family, however many there are, and all loads under
   * it: one step.
   */
  invalidateTag(
    name: string,
    tenant: string = DEFAULT_TENANT,
    options: InvalidationOptions = {},
  ): Promise<Invalidation> {
    return this.#invalidations.subject({ kind: 'tag', name, tenant, roles: EVERYWHERE }, options);
  }

  /** The same for all entries of a namespace. */
  invalidateNamespace(
    name: string,
    tenant: string = DEFAULT_TENANT,
    options: InvalidationOptions = {},
  ): Promise<Invalidation> {
    return this.#invalidations.subject({ kind: 'namespace', name, tenant, roles: EVERYWHERE }, options);
  }

  /**
   * The same for all entries of a family.
   * @throws KeyspaceError `labels` for a family whose keys may not be evicted: it is no cache
   */
  async invalidateFamily(
    { id, role }: Family,
    tenant: string = DEFAULT_TENANT,
    options: InvalidationOptions = {},
  ): Promise<Invalidation> {
    if (!isVersioned(role)) {
      throw new KeyspaceError('labels', `keys of role ${role} are invalidated one by one`, { family: id });
    }
    return this.#invalidations.subject({ kind: 'family', name: id, tenant, roles: [role] }, options);
  }

  /**
   * All entries that a pattern covers, found by going through Redis: for what no version stands for. It takes as long as
   * there are keys; `InvalidationOperations` let it outlive its caller.
   * @throws what the run's signal says
   */
  invalidateMatching(glob: FamilyGlob, run: PatternRun): Promise<PatternProgress> {
    return this.#invalidations.matching(glob, run);
  }

  /**
   * The same when Redis is away, without a word when it is done: meanwhile this process reads none of it from Redis. What
   * merely begins as the pattern does may go with it.
   */
  invalidateMatchingLater(glob: FamilyGlob): void {
    this.#invalidations.matchingLater(glob);
  }

  /**
   * The time to live that a fill of this entry gets.
   * @throws RangeError for one that no entry can have
   */
  ttlSeconds({ ref }: Entry, asked?: number): number {
    return ttlSeconds(ref.family, this.#settings, asked);
  }

  /**
   * Removes at once what invalidations by tag, namespace or family have left at contract keys, which is done in the
   * background otherwise.
   * @returns how many entries were removed
   * @throws RedisUnavailableError, ReplyError when it cannot be brought to its end
   */
  sweepLeftovers(): Promise<number> {
    return this.#invalidations.sweepLeftovers();
  }

  /**
   * What a lookup sees of an entry in Redis and makes of it, for explanations: nothing is counted or kept.
   * @throws RedisUnavailableError
   */
  async examine<T>(reading: Reading<T>): Promise<Examination<T>> {
    const { ref } = reading;
    const { keyPrefix } = this.#settings;
    const link = this.#roles.link(ref.family.role);
    const keys = keysOf(reading, keyPrefix, link.clustered);
    const seen = await look(reading, keys, subjectsOf(reading, keyPrefix), link, {
      ...this.#settings,
      forKeeping: false,
    });
    return {
      keys,
      link,
      seen,
      blocked: this.#invalidations.blocks(link, keys.value, seen.under),
      inOwnMemory: this.#memory.serves(ref),
      loadsHere: seen.lease !== null && this.#leaderships.named(seen.lease.token),
    };
  }

  /** How many invalidations wait for Redis. */
  get pendingInvalidations(): number {
    return this.#invalidations.pendingCount;
  }

  /** What is kept in this process's own memory, and whether it may be served; null when nothing is. */
  get l1Status(): L1Status | null {
    return this.#memory.status;
  }

  close(): void {
    this.#memory.close();
    this.#invalidations.close();
  }
}
