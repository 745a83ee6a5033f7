/**
 * The cache protocol. One protocol serves every cached thing: library calls, gateways, proxies.
 *
 * An entry is a value under its contract key, a sidecar, perhaps parts (other forms of the same answer), and while it is
 * being loaded a lease, all in one cluster slot.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A hit costs one round trip and no Lua: value, sidecar and lease are read together.
 * 2. A value is served only beside its own sidecar: same tenant, same fingerprint. Anything else reads as a miss.
 *    (Families that declare other writers are read without one.)
 * 3. At most one flight loads an entry over all processes: it holds the lease.
 * 4. A fill writes value, sidecar and parts in one script, and only if the lease is still the one it was given.
 * 5. An invalidation removes value, sidecar, parts and lease in one script. With 4: once it has completed, no load that
 *    began before it can store its value. With the rule of Flights: no caller that arrives after it gets that value.
 * 6. Losers of the lease follow its holder or wait for it; a dead holder costs at most the lease's time.
 * 7. When Redis is away, the caller is sent to its origin at once; flights are shared within the process, nothing is
 *    stored, and invalidations are kept and replayed before anything is read again (see InvalidationJournal).
 * 9. In front of all this may stand L1, the process's own memory, which is at most its bound behind Redis (see L1).
 * 8. What lies at a key and cannot be used (another type, truncated, a newer version, too large) is a miss and is
 *    counted, never an error.
 */
import { randomBytes } from 'node:crypto';
import { keyspace } from '../keyspace/keyspace.js';
import { colocate, physicalKey } from '../keyspace/physical-key.js';
import { L1, type L1Status } from '../l1/l1.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink, ScriptArgument } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import { loadScript } from '../redis/script.js';
import { Flights, type Flight } from './flights.js';
import { InvalidationJournal, type InvalidationTarget } from './journal.js';
import { Lease, type EntryKeys } from './lease.js';
import { keyRead, keysOf, look, type Entry, type Hit, type Lookup, type Reading } from './lookup.js';
import type { CacheObserver, FillResult } from './observer.js';
import { DEFAULT_CACHE, type CacheSettings } from './settings.js';
import { storeArguments, ttlSeconds, type Filling } from './storing.js';
import { rootOf, sweepEntries } from './sweep.js';

/**
 * What the leader of a flight is given. It ends with exactly one of `fill` and `release`. Neither throws for anything
 * that Redis does; `fill` throws RangeError for a time to live or a note that no entry can have.
 */
export interface Leadership {
  readonly token: string;
  /** False when Redis is away: nothing that is loaded will be stored. */
  readonly canStore: boolean;
  fill(filling: Filling): Promise<FillResult>;
  release(): Promise<void>;
}

export interface Boardings<T, F extends Flight> {
  /** We are to load. The flight ends the leadership. */
  lead(leadership: Leadership): F;
  /** Another process loads under this token. */
  follow(token: string): F;
  /** Whether an entry found is good enough for this caller; by default every one is. */
  accept?(hit: Hit<T>): boolean;
  /** Do not look: load anew, and let no other load in flight be stored over it. */
  anew?: boolean;
  /** The caller has peeked, and what he found, if anything, will not do. */
  peeked?: boolean;
}

export type Opened<T, F extends Flight> =
  | { readonly kind: 'hit'; readonly hit: Hit<T> }
  | {
      readonly kind: 'flight';
      readonly flight: F;
      readonly how: 'led' | 'joined' | 'followed';
      /** The entry that `accept` refused: it may still serve when the load fails. */
      readonly refused: Hit<T> | null;
    };

export interface Invalidation {
  /** Whether there was a value; null while the invalidation is pending because Redis is away. */
  readonly deleted: number | null;
  readonly pending: boolean;
}

type AcquireMode = 'absent' | 'replace' | 'steal';
type Acquired = { kind: 'taken' } | { kind: 'held'; token: string } | { kind: 'exists' } | { kind: 'away' };

const ACQUIRE = loadScript(new URL('./lua/acquire.lua', import.meta.url));
const STORE = loadScript(new URL('./lua/store.lua', import.meta.url));
const INVALIDATE = loadScript(new URL('./lua/invalidate.lua', import.meta.url));

/** A caller that meets changes under its hands looks again so many times before it leads without a lease. */
const MOST_ROUNDS = 8;

/** See the invariants at the top of this file. */
export class Cache {
  /** Names this process in lease tokens. */
  readonly processId = randomBytes(9).toString('base64url');
  readonly #roles: RedisRoles;
  readonly #settings: CacheSettings;
  readonly #observer: CacheObserver;
  readonly #flights = new Flights();
  readonly #journals = new Map<RedisLink, InvalidationJournal>();
  readonly #l1: L1 | null;
  #tokens = 0;

  constructor(roles: RedisRoles, settings: Partial<CacheSettings> = {}, observer: CacheObserver = {}) {
    this.#roles = roles;
    this.#settings = Object.freeze({ ...DEFAULT_CACHE, ...settings });
    this.#observer = observer;
    const { l1, keyPrefix } = this.#settings;
    this.#l1 = l1 === null ? null : new L1(roles, Object.values(keyspace), { ...l1, keyPrefix }, observer);
    for (const link of roles.links()) {
      const journal = new InvalidationJournal(link, this.#settings.journal, {
        apply: (run, target) => run(INVALIDATE, target.keys, []),
        sweep: (run, root) => sweepEntries(run, root, this.#settings.keyPrefix),
      });
      this.#journals.set(link, journal);
    }
  }

  /**
   * The entry, if this process has it in its own memory: at once, and no older than L1's bound. What it holds is shared
   * with every other reader and must not be changed.
   */
  peek<T>(reading: Reading<T>): Hit<T> | undefined {
    const { family, key, tenant } = reading.ref;
    if (this.#l1 === null || !family.l1) return undefined;
    const { part } = reading;
    const { keyPrefix } = this.#settings;
    const value = physicalKey(keyPrefix, key);
    const hit = this.#l1.get<T>(
      part === undefined ? value : colocate(value, part.label, keyPrefix),
      reading.decode,
      tenant,
    );
    if (hit !== undefined) this.#observer.hit?.(family.id, 'l1');
    return hit;
  }

  /** The entry from this process's own memory, else from Redis. Nothing that Redis does or holds makes it throw. */
  async lookup<T>(reading: Reading<T>): Promise<Lookup<T>> {
    const hit = this.peek(reading);
    return hit === undefined ? this.ask(reading) : { kind: 'hit', hit, lease: null, madeFromBytes: 0 };
  }

  /** Reads an entry and its lease from Redis in one round trip. Nothing that Redis does or holds makes it throw. */
  async ask<T>(reading: Reading<T>): Promise<Lookup<T>> {
    const { family } = reading.ref;
    const link = this.#roles.link(family.role);
    const keys = keysOf(reading, this.#settings.keyPrefix);
    if (this.#journalOf(link).blocks(keys.value)) {
      this.#observer.bypass?.(family.id, 'invalidation_pending');
      return { kind: 'away' };
    }
    const ticket = family.l1 ? (this.#l1?.ticket(link) ?? null) : null;
    const began = performance.now();
    try {
      const found = await look(reading, keys, link, { ...this.#settings, forKeeping: ticket !== null });
      if (found.kind === 'hit') this.#observer.hit?.(family.id, 'redis');
      else this.#observer.miss?.(family.id);
      if (found.kind === 'miss' && found.unusable !== null) this.#observer.unusable?.(family.id, found.unusable);
      if (found.kind === 'hit' && ticket !== null) {
        const { hit, madeFromBytes } = found;
        this.#l1?.keep(ticket, {
          key: keyRead(reading, keys),
          hit,
          tenant: reading.ref.tenant,
          decoder: reading.decode,
          madeFromBytes,
        });
      }
      return found;
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#observer.bypass?.(family.id, error.trouble);
      return { kind: 'away' };
    } finally {
      this.#observer.lookupSeconds?.(family.id, (performance.now() - began) / 1000);
    }
  }

  /**
   * The whole way of a caller: the entry, or a flight that will have it, which this caller leads, joins or follows.
   * `lead` and `follow` are called at most once, and their flights are shared with later callers.
   */
  async open<T, F extends Flight>(reading: Reading<T>, boardings: Boardings<T, F>): Promise<Opened<T, F>> {
    const keys = keysOf(reading, this.#settings.keyPrefix);
    let refused: Hit<T> | null = null;
    if (boardings.anew === true) return this.#leadAnew(reading, keys, boardings);
    const warm = boardings.peeked === true ? undefined : this.peek(reading);
    if (warm !== undefined) {
      if (boardings.accept?.(warm) ?? true) return { kind: 'hit', hit: warm };
      refused = warm;
    }

    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const found = await this.ask(reading);
      if (found.kind === 'away') return this.#withoutRedis(reading, keys, boardings, refused);
      if (found.kind === 'hit') {
        if (boardings.accept?.(found.hit) ?? true) return { kind: 'hit', hit: found.hit };
        refused = found.hit;
      }
      let token = found.lease;
      if (token === null || this.#isOrphanOfOurs(token)) {
        const mode: AcquireMode = found.kind === 'hit' || found.unusable !== null ? 'replace' : 'absent';
        const taking = this.#take(reading, keys, boardings, mode, token ?? '');
        const taken = await taking;
        if (taken.kind === 'led') return { kind: 'flight', flight: taken.flight, how: 'led', refused };
        if (taken.kind === 'away') return this.#withoutRedis(reading, keys, boardings, refused);
        if (taken.kind === 'exists') continue;
        token = taken.token;
      }
      const boarded = await this.#board(reading, keys, token, boardings);
      if (boarded !== null) return { kind: 'flight', ...boarded, refused };
    }
    return this.#withoutRedis(reading, keys, boardings, refused);
  }

  /**
   * Writes a value whoever is loading it: what is written is newer. Used by write-through.
   * @returns `dropped` when Redis could not be reached: then invalidate, so that the old value does not survive
   */
  async put(entry: Entry, filling: Filling): Promise<FillResult> {
    const link = this.#roles.link(entry.ref.family.role);
    const keys = keysOf(entry, this.#settings.keyPrefix);
    this.#flights.detach(keys.value);
    this.#forget(keys);
    const args = storeArguments(entry, keys, filling, { token: '', now: link.now(), settings: this.#settings });
    const result = args === null ? 'too_large' : await this.#putNow(link, keys, args);
    this.#forget(keys);
    this.#observer.fill?.(entry.ref.family.id, result);
    return result;
  }

  /**
   * Removes an entry and defeats every load of it that is in flight, in this and in all other processes.
   * While Redis is away the invalidation is kept and applied before this process reads from Redis again.
   */
  async invalidate(entry: Entry): Promise<Invalidation> {
    const { family } = entry.ref;
    const link = this.#roles.link(family.role);
    const keys = keysOf(entry, this.#settings.keyPrefix);
    const journal = this.#journalOf(link);
    const target: InvalidationTarget = {
      value: keys.value,
      keys: [keys.value, keys.sidecar, keys.lease, ...keys.parts],
      root: `${this.#settings.keyPrefix}${rootOf(entry.ref)}`,
    };
    journal.begin(target);
    this.#flights.detach(keys.value);
    this.#forget(keys);
    try {
      const deleted = Number(await link.run(INVALIDATE, target.keys, []));
      journal.acknowledge(target);
      // Again: a flight may have begun, without Redis, or a reader have come back, while the script was under way.
      this.#flights.detach(keys.value);
      this.#forget(keys);
      this.#observer.invalidated?.(family.id, 'applied');
      return { deleted, pending: false };
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      journal.retryLater();
      this.#observer.invalidated?.(family.id, 'pending');
      return { deleted: null, pending: true };
    }
  }

  /**
   * The time to live that a fill of this entry gets.
   * @throws RangeError for one that no entry can have
   */
  ttlSeconds({ ref }: Entry, asked?: number): number {
    return ttlSeconds(ref.family, this.#settings, asked);
  }

  get keyPrefix(): string {
    return this.#settings.keyPrefix;
  }

  /** How many invalidations wait for Redis. */
  get pendingInvalidations(): number {
    let pending = 0;
    for (const journal of this.#journals.values()) pending += journal.pendingCount;
    return pending;
  }

  /** What is kept in this process's own memory, and whether it may be served; null when nothing is. */
  get l1Status(): L1Status | null {
    return this.#l1?.status ?? null;
  }

  close(): void {
    this.#l1?.close();
    for (const journal of this.#journals.values()) journal.close();
  }

  /** What this process is about to change, or has changed, is nothing that it may serve. */
  #forget({ value, parts }: EntryKeys): void {
    this.#l1?.drop(value);
    for (const part of parts) this.#l1?.drop(part);
  }

  #journalOf(link: RedisLink): InvalidationJournal {
    return this.#journals.get(link) as InvalidationJournal;
  }

  #newToken(): string {
    this.#tokens += 1;
    return `${this.processId}.${this.#tokens.toString(36)}`;
  }

  /** A lease in this process's name whose flight has ended: its release was lost. */
  #isOrphanOfOurs(token: string): boolean {
    return token.startsWith(`${this.processId}.`) && this.#flights.under(token) === null;
  }

  async #board<T, F extends Flight>(
    reading: Reading<T>,
    keys: EntryKeys,
    token: string,
    boardings: Boardings<T, F>,
  ): Promise<{ flight: F; how: 'joined' | 'followed' } | null> {
    const boarding = this.#flights.under(token);
    if (boarding !== null) {
      const flight = (await boarding) as F | null;
      if (flight === null) return null;
      this.#observer.joined?.(reading.ref.family.id);
      return { flight, how: 'joined' };
    }
    if (this.#isOrphanOfOurs(token)) return null;
    const flight = boardings.follow(token);
    this.#flights.add(keys.value, token, flight);
    return { flight, how: 'followed' };
  }

  async #take<T, F extends Flight>(
    reading: Reading<T>,
    keys: EntryKeys,
    boardings: Boardings<T, F>,
    mode: AcquireMode,
    displace: string,
  ): Promise<{ kind: 'led'; flight: F } | Exclude<Acquired, { kind: 'taken' }>> {
    const token = this.#newToken();
    const link = this.#roles.link(reading.ref.family.role);
    const acquiring = this.#acquire(reading, keys, link, token, mode, displace);
    const leading = acquiring.then((acquired) => {
      if (acquired.kind !== 'taken') return null;
      const leadership = this.#leadership(reading, keys, link, token, 'held');
      try {
        return boardings.lead(leadership);
      } catch (error) {
        void leadership.release();
        throw error;
      }
    });
    this.#flights.announce(keys.value, token, leading);
    const acquired = await acquiring;
    if (acquired.kind !== 'taken') return acquired;
    return { kind: 'led', flight: (await leading) as F };
  }

  async #leadAnew<T, F extends Flight>(
    reading: Reading<T>,
    keys: EntryKeys,
    boardings: Boardings<T, F>,
  ): Promise<Opened<T, F>> {
    const taken = await this.#take(reading, keys, boardings, 'steal', '');
    if (taken.kind === 'led') return { kind: 'flight', flight: taken.flight, how: 'led', refused: null };
    const flight = boardings.lead(this.#localLeadership(reading, keys));
    return { kind: 'flight', flight, how: 'led', refused: null };
  }

  /** Redis cannot be asked: share what this process has in flight for the key, else load without storing. */
  async #withoutRedis<T, F extends Flight>(
    reading: Reading<T>,
    keys: EntryKeys,
    boardings: Boardings<T, F>,
    refused: Hit<T> | null,
  ): Promise<Opened<T, F>> {
    // No `await` between finding none and adding one: callers of one tick must not all lead.
    for (let boarding = this.#flights.any(keys.value); boarding !== null; boarding = this.#flights.any(keys.value)) {
      const flight = (await boarding) as F | null;
      if (flight === null) continue;
      this.#observer.joined?.(reading.ref.family.id);
      return { kind: 'flight', flight, how: 'joined', refused };
    }
    const leadership = this.#localLeadership(reading, keys);
    const flight = boardings.lead(leadership);
    this.#flights.add(keys.value, leadership.token, flight);
    return { kind: 'flight', flight, how: 'led', refused };
  }

  async #acquire(
    reading: Reading<unknown>,
    keys: EntryKeys,
    link: RedisLink,
    token: string,
    mode: AcquireMode,
    displace: string,
  ): Promise<Acquired> {
    try {
      const [kind, holder] = (await link.run(
        ACQUIRE,
        [keyRead(reading, keys), keys.sidecar, keys.lease],
        [token, this.#settings.leaseMs, mode, displace],
      )) as ['taken' | 'held' | 'exists', string?];
      return kind === 'held' ? { kind, token: holder as string } : { kind };
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#observer.bypass?.(reading.ref.family.id, error.trouble);
      return { kind: 'away' };
    }
  }

  #localLeadership(reading: Reading<unknown>, keys: EntryKeys): Leadership {
    return this.#leadership(reading, keys, this.#roles.link(reading.ref.family.role), this.#newToken(), 'local');
  }

  #leadership(entry: Entry, keys: EntryKeys, link: RedisLink, token: string, standing: 'held' | 'local'): Leadership {
    const lease = new Lease(link, keys, token, this.#settings.leaseMs, standing);
    return {
      token,
      canStore: standing === 'held',
      release: async () => {
        if (!(await lease.release())) this.#observer.leaseLeft?.(entry.ref.family.id);
      },
      fill: async (filling) => {
        let args: readonly ScriptArgument[] | null = null;
        try {
          args = storeArguments(entry, keys, filling, { token, now: link.now(), settings: this.#settings });
        } finally {
          if (args === null) await lease.release();
        }
        const result = args === null ? 'too_large' : await lease.fill(STORE, args);
        this.#forget(keys);
        this.#observer.fill?.(entry.ref.family.id, result);
        return result;
      },
    };
  }

  async #putNow(link: RedisLink, keys: EntryKeys, args: readonly ScriptArgument[]): Promise<FillResult> {
    try {
      await link.run(STORE, [keys.value, keys.sidecar, keys.lease, ...keys.parts], args);
      return 'stored';
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      return 'dropped';
    }
  }
}
