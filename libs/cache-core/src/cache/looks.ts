import type { Family } from '../keyspace/family.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import { keysOf, type EntryKeys, type Reading } from './entry.js';
import type { Invalidations } from './invalidations.js';
import { look, lookAtEach, type Look, type LookSettings } from './lookup.js';
import type { CacheObserver } from './observer.js';
import type { OwnMemory } from './own-memory.js';
import type { CacheParts } from './parts.js';
import type { RedisRoles } from '../redis/roles.js';
import { subjectsOf } from './versions.js';

/** This process's looks at entries in Redis: none while an invalidation of its own waits, and what they find is kept in L1. */
export class Looks {
  readonly #roles: RedisRoles;
  readonly #memory: OwnMemory;
  readonly #observer: CacheObserver;
  readonly #invalidations: Invalidations;
  readonly #keyPrefix: string;
  readonly #forKeeping: LookSettings;
  readonly #forServing: LookSettings;

  constructor({ roles, memory, observer, settings }: CacheParts, invalidations: Invalidations) {
    this.#roles = roles;
    this.#memory = memory;
    this.#observer = observer;
    this.#invalidations = invalidations;
    this.#keyPrefix = settings.keyPrefix;
    this.#forKeeping = { ...settings, forKeeping: true };
    this.#forServing = { ...settings, forKeeping: false };
  }

  /**
   * Null when Redis could not be asked, or may not be trusted for this entry just now.
   * @throws KeyspaceError `labels` for a namespace or tags that no entry can have
   */
  async at<T>(reading: Reading<T>): Promise<Look<T> | null> {
    const { family } = reading.ref;
    const began = performance.now();
    try {
      return this.#counted(family, await this.uncounted(reading));
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#observer.bypass?.(family.id, error.trouble);
      return null;
    } finally {
      this.#observer.lookupSeconds?.(family.id, (performance.now() - began) / 1000);
    }
  }

  /**
   * Many entries of one family and tenant, whose readings name the same labels: each as by `at`. Null: one of them could
   * not be read; each has to be asked for by itself.
   * @throws KeyspaceError as `at` does
   */
  async atEach<T>(readings: readonly Reading<T>[]): Promise<readonly (Look<T> | null)[] | null> {
    const [first] = readings;
    if (first === undefined) return [];
    const { family } = first.ref;
    const began = performance.now();
    const link = this.#roles.link(family.role);
    const subjects = subjectsOf(first, this.#keyPrefix);
    const keys = readings.map((reading) => keysOf(reading, this.#keyPrefix));
    if (this.#blocksAny(link, keys, subjects.keys)) return null;
    const ticket = this.#memory.ticket(first, link);
    const how = ticket === null ? this.#forServing : this.#forKeeping;
    try {
      const looks = await lookAtEach(readings, keys, subjects, link, how);
      const seconds = (performance.now() - began) / 1000;
      return looks.map((seen, at) => {
        this.#observer.lookupSeconds?.(family.id, seconds);
        const its = keys[at] as EntryKeys;
        if (this.#invalidations.blocks(link, its.value, seen.under)) return this.#counted(family, null);
        this.#memory.keep(ticket, readings[at] as Reading<T>, its, seen);
        return this.#counted(family, seen);
      });
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      return null;
    }
  }

  /**
   * As `at`, and counts as nobody's reading.
   * @throws RedisUnavailableError
   */
  async uncounted<T>(reading: Reading<T>): Promise<Look<T> | null> {
    const link = this.#roles.link(reading.ref.family.role);
    const keys = keysOf(reading, this.#keyPrefix);
    const subjects = subjectsOf(reading, this.#keyPrefix);
    if (this.#invalidations.blocks(link, keys.value, subjects.keys)) return null;
    const ticket = this.#memory.ticket(reading, link);
    const how = ticket === null ? this.#forServing : this.#forKeeping;
    const seen = await look(reading, keys, subjects, link, how);
    if (this.#invalidations.blocks(link, keys.value, seen.under)) return null;
    this.#memory.keep(ticket, reading, keys, seen);
    return seen;
  }

  #blocksAny(link: RedisLink, keys: readonly EntryKeys[], under: readonly string[]): boolean {
    return keys.some(({ value }) => this.#invalidations.blocks(link, value, under));
  }

  #counted<T>({ id }: Family, seen: Look<T> | null): Look<T> | null {
    if (seen === null) {
      this.#observer.bypass?.(id, 'invalidation_pending');
      return null;
    }
    const { found } = seen;
    if (found.kind === 'hit') this.#observer.hit?.(id, 'redis');
    else this.#observer.miss?.(id);
    if (found.kind === 'miss' && found.unusable !== null) this.#observer.unusable?.(id, found.unusable);
    return seen;
  }
}
