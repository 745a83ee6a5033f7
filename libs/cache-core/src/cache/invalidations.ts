import type { FamilyGlob } from '../invalidation/family-glob.js';
import { PatternInvalidation, type PatternProgress, type PatternRun } from '../invalidation/pattern-invalidation.js';
import { entryParts } from '../keyspace/companion.js';
import { logicalKey } from '../keyspace/physical-key.js';
import { versionKeys, VERSIONED_ROLES, type VersionKind } from '../keyspace/version-key.js';
import type { Role } from '../keyspace/roles.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RecoveryRun, RedisLink, ScriptArgument } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import { loadScript } from '../redis/script.js';
import { keysOf, type Entry } from './entry.js';
import type { Flights } from './flights.js';
import { InvalidationJournal, type InvalidationTarget } from './journal.js';
import { Leftovers } from './leftovers.js';
import type { LeaseMark } from './lease-mark.js';
import type { LoadingPolicies } from './loading-policy.js';
import type { CacheObserver } from './observer.js';
import type { OwnMemory } from './own-memory.js';
import type { CacheParts } from './parts.js';
import type { CacheSettings } from './settings.js';
import { rootOf, sweepEntries } from './sweep.js';
import { bumpVersion } from './versions.js';

export interface Invalidation {
  /**
   * Whether there was a value; null while the invalidation is pending, and where it is not known because entries are
   * invalidated by a version and not one by one.
   */
  readonly deleted: number | null;
  /** Redis could not be asked: it is kept, and applied before this process trusts what Redis says of it. */
  readonly pending: boolean;
}

export interface InvalidationOptions {
  /**
   * - `strict`: it has been applied when the call returns (or is pending, and then replayed).
   * - `eventual`: it is noted, and applied together with others within `journal.retryMs` while Redis can be asked. This
   *   process trusts nothing that it is about meanwhile; other processes may.
   */
  readonly how?: 'strict' | 'eventual';
}

/** What entries of several keys have in common. */
export interface VersionSubject {
  readonly kind: VersionKind;
  readonly name: string;
  readonly tenant: string;
  /** Where such entries lie. */
  readonly roles: readonly Role[];
}

const INVALIDATE = loadScript(new URL('./lua/invalidate.lua', import.meta.url));

/**
 * Carries invalidations out, each on every place that is concerned, and keeps what could not be carried out.
 *
 * From the moment on which one begins, this process neither reads what it is about, from Redis (`blocks`) or from its
 * own memory, nor lets anybody join by key a load that is in flight for it.
 */
export class Invalidations {
  readonly #roles: RedisRoles;
  readonly #settings: CacheSettings;
  readonly #flights: Flights;
  readonly #memory: OwnMemory;
  readonly #policies: LoadingPolicies;
  readonly #observer: CacheObserver;
  readonly #leftovers: Leftovers;
  readonly #journals = new Map<RedisLink, InvalidationJournal>();

  constructor({ roles, settings, flights, memory, policies, observer }: CacheParts) {
    this.#roles = roles;
    this.#settings = settings;
    this.#flights = flights;
    this.#memory = memory;
    this.#policies = policies;
    this.#observer = observer;
    this.#leftovers = new Leftovers(settings.keyPrefix, settings.leftovers, observer);
    for (const link of roles.links()) {
      const journal = new InvalidationJournal(link, settings.journal, {
        apply: (run, target) => apply(run, target),
        sweep: (run, root) => sweepEntries(run, root, settings.keyPrefix),
      });
      this.#journals.set(link, journal);
    }
  }

  /** Whether an entry, or one of the versions that it is under, waits for its invalidation. */
  blocks(link: RedisLink, valueKey: string, versionKeysOfIt: readonly string[]): boolean {
    const journal = this.#journalOf(link);
    if (journal.idle) return false;
    return journal.blocks(valueKey) || versionKeysOfIt.some((key) => journal.blocks(key));
  }

  get pendingCount(): number {
    let pending = 0;
    for (const journal of this.#journals.values()) pending += journal.pendingCount;
    return pending;
  }

  /** See `Leftovers.sweep`. */
  async sweepLeftovers(): Promise<number> {
    let removed = 0;
    for (const link of new Set(VERSIONED_ROLES.map((role) => this.#roles.link(role)))) {
      removed += await this.#leftovers.sweep(link);
    }
    return removed;
  }

  close(): void {
    this.#leftovers.close();
    for (const journal of this.#journals.values()) journal.close();
  }

  /** An entry with all its keys, and every load of it that is in flight. */
  async entry(entry: Entry, { how = 'strict' }: InvalidationOptions = {}): Promise<Invalidation> {
    const { family } = entry.ref;
    const target = this.#targetOf(entry);
    const link = this.#roles.link(family.role);
    const reply = await (how === 'strict' ? this.#carryOut(link, target) : this.#note(link, target));
    this.#observer.invalidated?.(family.id, reply === null ? 'pending' : 'applied');
    return { deleted: reply === null ? null : Number(reply), pending: reply === null };
  }

  /**
   * An entry, as by `entry`, for something newer that is to follow: it gets its lease in the same step if the one still stands
   * that was reserved for it.
   * @returns whether it did; never while Redis cannot be asked
   */
  async entryFor(entry: Entry, reserved: LeaseMark, next: LeaseMark): Promise<boolean> {
    const { family } = entry.ref;
    const following = [reserved.text, next.text, this.#settings.leaseMs];
    const reply = await this.#carryOut(this.#roles.link(family.role), this.#targetOf(entry), following);
    this.#observer.invalidated?.(family.id, reply === null ? 'pending' : 'applied');
    return reply === 1;
  }

  /**
   * Notes that an entry was put. A server that comes back without its last moments would give the old value back, so what
   * was put is then removed, as if it had been invalidated.
   */
  noteWritten(entry: Entry): void {
    const journal = this.#journalOf(this.#roles.link(entry.ref.family.role));
    journal.acknowledge(this.#targetOf(entry));
  }

  /** All entries under a subject, and every load under it that is in flight. */
  async subject(
    { kind, name, tenant, roles }: VersionSubject,
    { how = 'strict' }: InvalidationOptions = {},
  ): Promise<Invalidation> {
    const { keyPrefix } = this.#settings;
    const key = versionKeys.keyOf(versionKeys.subject(kind, name), tenant, keyPrefix);
    const target: InvalidationTarget = {
      of: 'version',
      subject: key,
      keys: [key],
      root: versionKeys.rootOf(kind, tenant, keyPrefix),
      rememberMs: 0,
    };
    const links = new Set(roles.map((role) => this.#roles.link(role)));
    const replies = await Promise.all(
      [...links].map((link) => (how === 'strict' ? this.#carryOut(link, target) : this.#note(link, target))),
    );
    for (const link of links) this.#leftovers.arise(link);
    const pending = replies.includes(null);
    this.#observer.invalidated?.(kind === 'family' ? name : kind, pending ? 'pending' : 'applied');
    return { deleted: null, pending };
  }

  #targetOf(entry: Entry): InvalidationTarget {
    const { keyPrefix } = this.#settings;
    // All parts that an entry may have: whoever names its key need not know with which it was stored.
    const keys = keysOf({ ...entry, parts: entryParts }, keyPrefix);
    return {
      of: 'entry',
      subject: keys.value,
      keys: [keys.value, keys.sidecar, keys.lease, ...keys.parts],
      root: `${keyPrefix}${rootOf(entry.ref)}`,
      rememberMs: this.#policies.of(entry.ref.family).holdOff?.ms ?? 0,
    };
  }

  /**
   * All entries that a pattern covers, and every load of them that was in flight when it began; see PatternInvalidation.
   * Goes on, whatever Redis does, until it is done.
   * @throws what the run's signal says
   */
  async matching(glob: FamilyGlob, run: PatternRun): Promise<PatternProgress> {
    const { family } = glob;
    const link = this.#roles.link(family.role);
    const walk = new PatternInvalidation(glob, link, run, {
      keyPrefix: this.#settings.keyPrefix,
      rememberMs: this.#policies.of(family).holdOff?.ms ?? 0,
      observer: this.#observer,
      letGo: (keys) => {
        this.#flights.detach(keys.value);
        this.#memory.forget(keys);
      },
    });
    if (run.dryRun) return walk.untilDone();
    this.#detachCovered(glob);
    const progress = await this.#journalOf(link).whileRemoving(this.#rootOf(glob), () => walk.untilDone());
    this.#detachCovered(glob);
    this.#observer.invalidated?.(family.id, 'applied');
    return progress;
  }

  /** Keeps what a pattern covers from being read by this process until all that begins as it does has been removed. */
  matchingLater(glob: FamilyGlob): void {
    const journal = this.#journalOf(this.#roles.link(glob.family.role));
    const root = this.#rootOf(glob);
    journal.beginRoot(root);
    journal.retryLater();
    this.#detachCovered(glob);
    // What is read meanwhile is not kept: the journal blocks it.
    this.#memory.forgetRoot(root);
    this.#observer.invalidated?.(glob.family.id, 'pending');
  }

  #rootOf(glob: FamilyGlob): string {
    return `${this.#settings.keyPrefix}${glob.root}`;
  }

  /** Loads that began without Redis have no lease by which they could be found there. */
  #detachCovered(glob: FamilyGlob): void {
    const { keyPrefix } = this.#settings;
    this.#flights.detachWhere((key) => glob.covers(logicalKey(keyPrefix, key) ?? ''));
  }

  #journalOf(link: RedisLink): InvalidationJournal {
    return this.#journals.get(link) as InvalidationJournal;
  }

  /** To be applied with others, soon. */
  async #note(link: RedisLink, target: InvalidationTarget): Promise<null> {
    const noted = (this.#journals.get(link) as InvalidationJournal).note(target);
    this.#letGo(target);
    await noted;
    return null;
  }

  /** What the script replied; null when Redis could not be asked: then the journal has it. */
  async #carryOut(
    link: RedisLink,
    target: InvalidationTarget,
    following: readonly ScriptArgument[] = [],
  ): Promise<unknown> {
    const journal = this.#journalOf(link);
    journal.begin(target);
    this.#letGo(target);
    try {
      const reply = await apply((script, keys, args) => link.run(script, keys, [...args, ...following]), target);
      journal.acknowledge(target);
      // Again: a flight may have begun, without Redis, or a reader have come back, while the script was under way.
      this.#letGo(target);
      return reply;
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      journal.retryLater();
      return null;
    }
  }

  #letGo({ of, subject, keys: [value = subject] }: InvalidationTarget): void {
    if (of === 'entry') {
      this.#flights.detach(subject);
      this.#memory.forget({ value });
    } else {
      this.#flights.detachUnder(subject);
      this.#memory.forgetUnder(subject);
    }
  }
}

function apply(run: RecoveryRun, { of, subject, keys, rememberMs }: InvalidationTarget): Promise<unknown> {
  return of === 'entry' ? run(INVALIDATE, keys, [rememberMs]) : bumpVersion(run, subject);
}

/** Tags and namespaces reach over all families, wherever their entries lie. */
export const EVERYWHERE: readonly Role[] = VERSIONED_ROLES;
