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
 * Nobody joins a flight by its key while Redis answers. The caller shows the token that it read from Redis *after* it
 * arrived: if the flight's lease still stands, no invalidation has completed since the flight began, so its result is
 * not older than anything the caller may rely on. Only while Redis is away are flights joined by key.
 */
export class Flights<F extends Flight = Flight> {
  readonly #byToken = new Map<string, Boarding<F>>();
  readonly #current = new Map<string, { readonly token: string; readonly subjects: readonly string[] }>();

  get size(): number {
    return this.#current.size;
  }

  /** Announces a flight before its lease is granted, so that whoever reads the token meanwhile finds it. */
  announce(key: string, token: string, boarding: Promise<F | null>, subjects: readonly string[] = []): void {
    this.#byToken.set(token, boarding);
    boarding.then(
      (flight) => (flight === null ? this.#byToken.delete(token) : this.add(key, token, flight, subjects)),
      () => this.#byToken.delete(token),
    );
  }

  /** `subjects`: the keys of the versions that it is loaded under. */
  add(key: string, token: string, flight: F, subjects: readonly string[] = []): void {
    this.#byToken.set(token, flight);
    this.#current.set(key, { token, subjects });
    const leave = (): void => {
      this.#byToken.delete(token);
      if (this.#current.get(key)?.token === token) this.#current.delete(key);
    };
    flight.done.then(leave, leave);
  }

  /** The flight under this very lease, if it is one of this process. */
  under(token: string): Boarding<F> | null {
    return this.#byToken.get(token) ?? null;
  }

  /** Any flight for the key: only while Redis cannot say which lease stands. */
  any(key: string): Boarding<F> | null {
    const current = this.#current.get(key);
    return current === undefined ? null : this.under(current.token);
  }

  /** From now on nobody joins by key what is in flight; those on board still get its result. */
  detach(key: string): void {
    this.#current.delete(key);
  }

  /** The same for all whose keys are such. */
  detachWhere(covered: (key: string) => boolean): void {
    for (const key of this.#current.keys()) if (covered(key)) this.#current.delete(key);
  }

  /** The same for all that is loaded under a version. */
  detachUnder(versionKey: string): void {
    for (const [key, { subjects }] of this.#current) if (subjects.includes(versionKey)) this.#current.delete(key);
  }
}
