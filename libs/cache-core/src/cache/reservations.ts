/**
 * What is no load and may bring an entry all the same: a change whose answer is what a reader would get. Whether it is, only its
 * answer tells, and nobody waits for it; yet what it brings must not be stored over what came later.
 *
 * So it reserves the lease before it begins, under a mark that names a version which never was: to every reader the lease of a
 * load that is too old to wait for, and free to be taken (see `LeaseMark`). Whatever makes what it will bring too old removes that mark, as it
 * defeats a load: an invalidation, a put, another's load, another reservation's end. If the mark still stands when the answer
 * has come, the entry is invalidated and the lease of a load set in one step.
 */
import { RedisUnavailableError } from '../redis/errors.js';
import { loadScript } from '../redis/script.js';
import { keysOf, type Entry } from './entry.js';
import type { Flight } from './flights.js';
import type { Invalidations } from './invalidations.js';
import { Lease } from './lease.js';
import { markOf } from './lease-mark.js';
import type { Leadership, Leaderships } from './leadership.js';
import type { CacheParts } from './parts.js';
import { CurrentVersions, subjectsOf, type VersionKeeper } from './versions.js';

/** Ends with exactly one of its two. */
export interface Reservation {
  /**
   * Invalidates the entry, and leads the flight that stores what has come in its place.
   * @param lead as of `Boardings`; not called, and null, where the entry was invalidated, written or loaded meanwhile
   */
  follow<F extends Flight>(lead: (leadership: Leadership) => F): Promise<F | null>;
  /** Nothing that could be stored has come. Never throws. */
  release(): Promise<void>;
}

const ACQUIRE = loadScript(new URL('./lua/acquire.lua', import.meta.url));

export class Reservations {
  readonly #parts: CacheParts;
  readonly #keeper: VersionKeeper;
  readonly #leaderships: Leaderships;
  readonly #invalidations: Invalidations;

  constructor(parts: CacheParts, keeper: VersionKeeper, leaderships: Leaderships, invalidations: Invalidations) {
    this.#parts = parts;
    this.#keeper = keeper;
    this.#leaderships = leaderships;
    this.#invalidations = invalidations;
  }

  /** One round trip. Null: somebody loads the entry, or has reserved it, or Redis cannot be asked. */
  async reserve(entry: Entry): Promise<Reservation | null> {
    const { roles, settings, flights, observer } = this.#parts;
    const { family } = entry.ref;
    const link = roles.link(family.role);
    const keys = keysOf(entry, settings.keyPrefix);
    const subjects = subjectsOf(entry, settings.keyPrefix);
    const reserved = markOf(this.#leaderships.newToken(), [subjects.names[0] ?? 'none', '']);
    try {
      const [versions, [kind]] = await Promise.all([
        this.#keeper.forLoad(link, subjects, new CurrentVersions([], [])),
        link.run(ACQUIRE, [keys.sidecar, keys.lease], [reserved.text, settings.leaseMs, 'free', '', '']) as Promise<
          [string]
        >,
      ]);
      if (kind !== 'taken') return null;
      const lease = new Lease(link, keys, reserved, settings.leaseMs, 'held');
      return {
        follow: async (lead) => {
          lease.leave();
          const next = markOf(this.#leaderships.newToken(), versions);
          const leading = this.#invalidations.entryFor(entry, reserved, next).then((follows) => {
            if (!follows) return null;
            const leadership = this.#leaderships.held(entry, keys, next, null);
            try {
              return lead(leadership);
            } catch (error) {
              void leadership.release();
              throw error;
            }
          });
          // Whoever reads its lease before the word of it is here finds the flight, and does not take it for an orphan's.
          flights.announce(keys.value, next.token, leading, subjects.keys);
          return leading;
        },
        release: async () => {
          if (!(await lease.release())) observer.leaseLeft?.(family.id);
        },
      };
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      observer.bypass?.(family.id, error.trouble);
      return null;
    }
  }
}
