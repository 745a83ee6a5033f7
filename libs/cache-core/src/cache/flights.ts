/** Work under way whose result several callers share. */
export interface Flight {
  /**
   * Settles when the flight has ended, however it ended, and its lease has been used or given back: until then whoever
   * reads the token finds the flight, and does not take the lease for an orphan's.
   */
  readonly done: Promise<unknown>;
}

/** A flight, or one that begins if its lease is granted (null: it was not). */
export type Boarding<F extends Flight> = F | Promise<F | null>;

/**
 * The flights of this process, by lease token.
 *
 * While Redis answers there are two ways on board, and each shows that the load began after everything that the caller may
 * rely on:
 * 1. By token. The caller shows the token that he read from Redis *after* he arrived. The flight's lease still stood then,
 *    so no invalidation has completed between the beginning of its load and his look.
 * 2. By arrival. The flight was announced after the caller arrived (`begunSince`). It asks for its lease only then, and its
 *    load begins when the lease has been granted: an invalidation that had completed when he came had completed before the
 *    load began. That holds whoever announced it, whatever tags it is loaded under and whichever form of the entry its
 *    caller reads, and it needs no clock: within one process, what was counted later happened later. What was read before
 *    he came (the versions that the load records, the entry that it replaces) can only make the entry that it stores
 *    unusable, or be confirmed by the origin during the load.
 *
 * A flight that was announced *before* the caller arrived is not boarded by arrival, however little of it has happened:
 * its load may have begun, and an invalidation have completed, in between. Neither is a followed one, whose load began in
 * another process, nobody here knows when; nor one that an invalidation of this process has detached since, announced or
 * begun: what it brings is not stored.
 *
 * Only while Redis is away are flights joined by key alone (`any`).
 */
export class Flights<F extends Flight = Flight> {
  readonly #byToken = new Map<string, Boarding<F>>();
  /** The latest that has begun, by key. */
  readonly #current = new Map<string, Berth>();
  /** Those that wait for their lease, by key, in the order in which they were announced. */
  readonly #announced = new Map<string, readonly Berth[]>();
  #announcements = 0;

  get size(): number {
    return this.#current.size;
  }

  /** To be asked for when a caller arrives, and to be shown to `begunSince`. */
  get arrival(): number {
    return this.#announcements;
  }

  /** Announces a flight before its lease is asked for, so that those find it who read the token meanwhile, or wait. */
  announce(key: string, token: string, boarding: Promise<F | null>, subjects: readonly string[] = []): void {
    this.#announcements += 1;
    const berth: Berth = { token, subjects, number: this.#announcements };
    this.#announced.set(key, [...(this.#announced.get(key) ?? []), berth]);
    this.#byToken.set(token, boarding);
    boarding.then(
      (flight) => {
        // An invalidation that came between its announcement and its beginning holds for it too.
        const attached = this.#announced.get(key)?.includes(berth) === true;
        this.#unannounce(key, (one) => one === berth);
        if (flight === null) this.#byToken.delete(token);
        else this.#begin(key, berth, flight, attached);
      },
      () => {
        this.#unannounce(key, (one) => one === berth);
        this.#byToken.delete(token);
      },
    );
  }

  /** One that needs no lease, or follows another's. `subjects`: the keys of the versions that it is loaded under. */
  add(key: string, token: string, flight: F, subjects: readonly string[] = []): void {
    this.#begin(key, { token, subjects, number: 0 }, flight, true);
  }

  /** The flight under this very lease, if it is one of this process. */
  under(token: string): Boarding<F> | null {
    return this.#byToken.get(token) ?? null;
  }

  /** A flight for the key that was announced after a caller arrived. */
  begunSince(key: string, arrival: number): Boarding<F> | null {
    // Rather one that has its lease than one that may not get it.
    const berth = [this.#current.get(key), this.#announced.get(key)?.at(-1)].find(
      (one) => one !== undefined && one.number > arrival,
    );
    return berth === undefined ? null : this.under(berth.token);
  }

  /** Any flight for the key: only while Redis cannot say which lease stands. */
  any(key: string): Boarding<F> | null {
    const current = this.#current.get(key);
    return current === undefined ? null : this.under(current.token);
  }

  /** From now on nobody joins by key or by arrival what is in flight; those on board still get its result. */
  detach(key: string): void {
    this.#current.delete(key);
    this.#announced.delete(key);
  }

  /** The same for all whose keys are such. */
  detachWhere(covered: (key: string) => boolean): void {
    for (const flights of [this.#current, this.#announced]) {
      for (const key of flights.keys()) if (covered(key)) flights.delete(key);
    }
  }

  /** The same for all that is loaded under a version. */
  detachUnder(versionKey: string): void {
    const under = ({ subjects }: Berth): boolean => subjects.includes(versionKey);
    for (const [key, berth] of this.#current) if (under(berth)) this.#current.delete(key);
    for (const key of this.#announced.keys()) this.#unannounce(key, under);
  }

  #begin(key: string, berth: Berth, flight: F, attached: boolean): void {
    const { token } = berth;
    this.#byToken.set(token, flight);
    if (attached) this.#current.set(key, berth);
    const leave = (): void => {
      this.#byToken.delete(token);
      if (this.#current.get(key) === berth) this.#current.delete(key);
    };
    flight.done.then(leave, leave);
  }

  #unannounce(key: string, which: (berth: Berth) => boolean): void {
    const left = this.#announced.get(key)?.filter((berth) => !which(berth)) ?? [];
    if (left.length === 0) this.#announced.delete(key);
    else this.#announced.set(key, left);
  }
}

interface Berth {
  readonly token: string;
  readonly subjects: readonly string[];
  /** Of its announcement; 0 for one that was not announced. */
  readonly number: number;
}
