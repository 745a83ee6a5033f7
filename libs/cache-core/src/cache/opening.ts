import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { EntryKeys, Reading } from './entry.js';
import { keysOf } from './entry.js';
import type { Boarding, Flight } from './flights.js';
import type { Hit } from './judgement.js';
import type { Leadership, Leaderships } from './leadership.js';
import { markOf, readMark, type LeaseMark } from './lease-mark.js';
import type { Look, Lookup } from './lookup.js';
import type { Looks } from './looks.js';
import type { CacheParts } from './parts.js';
import { CurrentVersions, subjectsOf, type Subjects, type VersionKeeper } from './versions.js';

export interface Boardings<T, F extends Flight> {
  /**
   * The lease is about to be asked for, and `lead` is likely to follow: a caller may begin now what a load needs. Told once
   * for each lease that is asked for; nothing may be loaded before `lead`.
   */
  expectToLead?(): void;
  /** We are to load. The flight ends the leadership. */
  lead(leadership: Leadership): F;
  /** Another process loads under this token. */
  follow(token: string): F;
  /** Whether an entry found is good enough for this caller; by default every one is. */
  accept?(hit: Hit<T>): boolean;
  /** Do not look: load anew, and let no other load in flight be stored over it. */
  readonly anew?: boolean;
  /** The caller has peeked, and what he found, if anything, will not do. */
  readonly peeked?: boolean;
}

interface Boarded<F extends Flight> {
  readonly flight: F;
  readonly how: 'led' | 'joined' | 'followed';
}

export type Opened<T, F extends Flight> =
  /** `lease`: the token of who is loading it anew, so far as that was seen. */
  | { readonly kind: 'hit'; readonly hit: Hit<T>; readonly lease: string | null }
  /** `refused`: the entry that `accept` refused; it may still serve when the load fails. */
  | ({ readonly kind: 'flight'; readonly refused: Hit<T> | null } & Boarded<F>);

/** What a caller has seen who has something to do before he goes on. */
export interface Sighting<T> {
  readonly found: Lookup<T>;
  /** Goes on as `open` does, without another look; what has changed since then is noticed when the lease is asked for. */
  open<F extends Flight>(boardings: Boardings<T, F>): Promise<Opened<T, F>>;
}

type Acquired = { kind: 'taken' } | { kind: 'held'; mark: LeaseMark } | { kind: 'changed' } | { kind: 'away' };

/** What a caller goes by. */
interface Attempt<T> {
  readonly reading: Reading<T>;
  readonly keys: EntryKeys;
  readonly subjects: Subjects;
  readonly link: RedisLink;
  /** When the caller came, as `Flights` counts. */
  readonly arrival: number;
}

interface OpeningParts extends CacheParts {
  readonly keeper: VersionKeeper;
  readonly leaderships: Leaderships;
  readonly looks: Looks;
  peek<T>(reading: Reading<T>): Hit<T> | undefined;
}

/** One of many callers who come at once. */
export interface Caller<T, F extends Flight> extends Boardings<T, F> {
  readonly reading: Reading<T>;
}

const ACQUIRE = loadScript(new URL('./lua/acquire.lua', import.meta.url));

/** A caller that meets changes under its hands looks again so many times before it leads without a lease. */
const MOST_ROUNDS = 8;

/** The way of a caller to the entry or to the one flight that will have it. */
export class Opening {
  readonly #parts: OpeningParts;

  constructor(parts: OpeningParts) {
    this.#parts = parts;
  }

  async open<T, F extends Flight>(reading: Reading<T>, boardings: Boardings<T, F>): Promise<Opened<T, F>> {
    const { arrival } = this.#parts.flights;
    if (boardings.anew === true) return this.#leadAnew(this.#attempt(reading, arrival), boardings);
    const warm = boardings.peeked === true ? undefined : this.#parts.peek(reading);
    if (warm !== undefined && accepts(boardings, warm)) return { kind: 'hit', hit: warm, lease: null };
    const seen = await this.#parts.looks.at(reading);
    return this.#hitIn(seen, boardings) ?? this.#board(reading, arrival, boardings, seen, warm ?? null);
  }

  /** For a caller who has peeked. */
  async look<T>(reading: Reading<T>): Promise<Sighting<T>> {
    const { arrival } = this.#parts.flights;
    const seen = await this.#parts.looks.at(reading);
    return {
      found: seen?.found ?? { kind: 'away' },
      open: async (boardings) => this.#hitIn(seen, boardings) ?? this.#board(reading, arrival, boardings, seen, null),
    };
  }

  /**
   * Many callers of one family and tenant whose readings name the same labels, who have peeked: what they are looked up
   * for is read together. Whom an entry serves has it at once, the others have their ways to a flight.
   */
  async openEach<T, F extends Flight>(
    callers: readonly Caller<T, F>[],
  ): Promise<readonly (Opened<T, F> | Promise<Opened<T, F>>)[]> {
    const { arrival } = this.#parts.flights;
    const looks = await this.#parts.looks.atEach(callers.map(({ reading }) => reading));
    return callers.map((caller, at) => {
      const seen = looks === null ? undefined : looks[at];
      if (seen === undefined) return this.open(caller.reading, caller);
      return this.#hitIn(seen, caller) ?? this.#board(caller.reading, arrival, caller, seen, null);
    });
  }

  #hitIn<T, F extends Flight>(seen: Look<T> | null, boardings: Boardings<T, F>): Opened<T, F> | null {
    if (seen?.found.kind !== 'hit' || !accepts(boardings, seen.found.hit)) return null;
    return { kind: 'hit', hit: seen.found.hit, lease: seen.found.lease };
  }

  /**
   * For a caller whom the entry does not serve.
   * @param seen what he saw after he arrived
   * @param warm what L1 had, and would not do
   */
  async #board<T, F extends Flight>(
    reading: Reading<T>,
    arrival: number,
    boardings: Boardings<T, F>,
    seen: Look<T> | null,
    warm: Hit<T> | null,
  ): Promise<Opened<T, F>> {
    const attempt = this.#attempt(reading, arrival);
    let refused = warm;
    let current = seen;
    for (let round = 1; current !== null; round += 1) {
      // What L1 had is no more where Redis has nothing.
      refused = current.found.kind === 'hit' ? current.found.hit : null;
      const boarded = await this.#tryToBoard(attempt, boardings, current);
      if (boarded === 'away' || (boarded === 'again' && round === MOST_ROUNDS)) break;
      if (boarded !== 'again') return { kind: 'flight', ...boarded, refused };
      current = await this.#parts.looks.at(reading);
      const hit = this.#hitIn(current, boardings);
      if (hit !== null) return hit;
    }
    return this.#withoutRedis(attempt, boardings, refused);
  }

  /** `again`: it changed under the caller's hands; he is to look again. */
  async #tryToBoard<T, F extends Flight>(
    attempt: Attempt<T>,
    boardings: Boardings<T, F>,
    seen: Look<T>,
  ): Promise<Boarded<F> | 'again' | 'away'> {
    let mark = seen.lease;
    if (mark === null || seen.outdatedLease || this.#isOrphanOfOurs(mark.token)) {
      const begun = this.#parts.flights.begunSince(attempt.keys.value, attempt.arrival);
      // Null: somebody else holds the lease, or Redis did not answer.
      if (begun !== null) return (await this.#join(attempt, begun as Boarding<F>)) ?? 'again';
      const taken = await this.#take(attempt, boardings, seen);
      if (taken.kind === 'led') return { flight: taken.flight, how: 'led' };
      if (taken.kind === 'away') return 'away';
      // A lease that was not there when we looked may be under versions that we know nothing of: look again.
      if (taken.kind === 'changed' || !seen.versions.allow(taken.mark.versions)) return 'again';
      mark = taken.mark;
    }
    return (await this.#boardUnder(attempt, mark, boardings)) ?? 'again';
  }

  #attempt<T>(reading: Reading<T>, arrival: number): Attempt<T> {
    const { keyPrefix } = this.#parts.settings;
    return {
      reading,
      keys: keysOf(reading, keyPrefix),
      subjects: subjectsOf(reading, keyPrefix),
      link: this.#parts.roles.link(reading.ref.family.role),
      arrival,
    };
  }

  /** A lease in this process's name whose flight has ended: its release was lost. */
  #isOrphanOfOurs(token: string): boolean {
    const { leaderships, flights } = this.#parts;
    return leaderships.named(token) && flights.under(token) === null;
  }

  async #boardUnder<T, F extends Flight>(
    attempt: Attempt<T>,
    { token }: LeaseMark,
    boardings: Boardings<T, F>,
  ): Promise<Boarded<F> | null> {
    const { flights } = this.#parts;
    const boarding = flights.under(token);
    if (boarding !== null) return this.#join(attempt, boarding as Boarding<F>);
    if (this.#isOrphanOfOurs(token)) return null;
    const flight = boardings.follow(token);
    flights.add(attempt.keys.value, token, flight, attempt.subjects.keys);
    return { flight, how: 'followed' };
  }

  /** Null: its lease was not granted. */
  async #join<F extends Flight>({ reading }: Attempt<unknown>, boarding: Boarding<F>): Promise<Boarded<F> | null> {
    const flight = await boarding;
    if (flight === null) return null;
    this.#parts.observer.joined?.(reading.ref.family.id);
    return { flight, how: 'joined' };
  }

  /** @param how `seen`: only if the entry is as it was seen; `steal`: whatever there is, and whoever loads it */
  async #take<T, F extends Flight>(
    attempt: Attempt<T>,
    boardings: Boardings<T, F>,
    seen: Look<T> | null,
    how: 'seen' | 'steal' = 'seen',
  ): Promise<{ kind: 'led'; flight: F } | Exclude<Acquired, { kind: 'taken' }>> {
    const { flights, leaderships, keeper } = this.#parts;
    const { reading, keys, subjects, link } = attempt;
    const token = leaderships.newToken();
    boardings.expectToLead?.();
    const acquiring = this.#orAway(attempt, async () => {
      const versions = await keeper.forLoad(link, subjects, seen?.versions ?? new CurrentVersions([], []));
      const mark = markOf(token, versions);
      return { mark, acquired: await this.#acquire(attempt, mark, seen, how) };
    });
    const leading = acquiring.then((result) => {
      // Who waits for this lease gets what is loaded without it: that, too, begins after he came.
      if (result === null) return flights.any(keys.value) === null ? this.#loadWithoutRedis(attempt, boardings) : null;
      if (result.acquired.kind !== 'taken') return null;
      const leadership = leaderships.held(reading, keys, result.mark, seen);
      try {
        return boardings.lead(leadership);
      } catch (error) {
        void leadership.release();
        throw error;
      }
    });
    flights.announce(keys.value, token, leading, subjects.keys);
    const [result, flight] = await Promise.all([acquiring, leading]);
    if (flight !== null) return { kind: 'led', flight };
    return result === null ? { kind: 'away' } : (result.acquired as Exclude<Acquired, { kind: 'taken' }>);
  }

  async #acquire<T>(
    { keys, link }: Attempt<T>,
    mark: LeaseMark,
    seen: Look<T> | null,
    how: 'seen' | 'steal',
  ): Promise<Acquired> {
    const [kind, holder] = (await link.run(
      ACQUIRE,
      [keys.sidecar, keys.lease],
      [mark.text, this.#parts.settings.leaseMs, how, seen?.lease?.text ?? '', seen?.sidecar ?? ''],
    )) as ['taken' | 'held' | 'changed', string?];
    return kind === 'held' ? { kind, mark: readMark(holder as string) } : { kind };
  }

  async #leadAnew<T, F extends Flight>(attempt: Attempt<T>, boardings: Boardings<T, F>): Promise<Opened<T, F>> {
    const { holdOff } = this.#parts.policies.of(attempt.reading.ref.family);
    const seen = holdOff === null ? null : await this.#parts.looks.at(attempt.reading);
    const taken = await this.#take(attempt, boardings, seen, 'steal');
    if (taken.kind === 'led') return { kind: 'flight', flight: taken.flight, how: 'led', refused: null };
    const flight = boardings.lead(this.#parts.leaderships.local(attempt.reading, attempt.keys));
    return { kind: 'flight', flight, how: 'led', refused: null };
  }

  /** Redis cannot be asked: share what this process has in flight for the key, else load without storing. */
  async #withoutRedis<T, F extends Flight>(
    attempt: Attempt<T>,
    boardings: Boardings<T, F>,
    refused: Hit<T> | null,
  ): Promise<Opened<T, F>> {
    const { keys, arrival } = attempt;
    const { flights } = this.#parts;
    // Others of this process may have had their answers: rather their load, which will be stored.
    const begun = flights.begunSince(keys.value, arrival);
    const boarded = begun === null ? null : await this.#join(attempt, begun as Boarding<F>);
    if (boarded !== null) return { kind: 'flight', ...boarded, refused };
    // No `await` between finding none and adding one: callers of one tick must not all lead.
    for (let boarding = flights.any(keys.value); boarding !== null; boarding = flights.any(keys.value)) {
      const joined = await this.#join(attempt, boarding as Boarding<F>);
      if (joined !== null) return { kind: 'flight', ...joined, refused };
    }
    return { kind: 'flight', flight: this.#loadWithoutRedis(attempt, boardings), how: 'led', refused };
  }

  #loadWithoutRedis<T, F extends Flight>({ reading, keys, subjects }: Attempt<T>, boardings: Boardings<T, F>): F {
    const leadership = this.#parts.leaderships.local(reading, keys);
    const flight = boardings.lead(leadership);
    this.#parts.flights.add(keys.value, leadership.token, flight, subjects.keys);
    return flight;
  }

  async #orAway<T, R>({ reading }: Attempt<T>, work: () => Promise<R>): Promise<R | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#parts.observer.bypass?.(reading.ref.family.id, error.trouble);
      return null;
    }
  }
}

function accepts<T, F extends Flight>(boardings: Boardings<T, F>, hit: Hit<T>): boolean {
  return boardings.accept?.(hit) ?? true;
}
