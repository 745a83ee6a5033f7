/**
 * Deadlines for commands on a connection, counted in ticks of this process's own event loop.
 *
 * A timer per command has two faults. It costs more than the command. And when the event loop is blocked for half a
 * second (a burst of a thousand requests, a long garbage collection), timers fire before the socket is read: replies
 * that have long arrived are reported as time-outs, a breaker opens, and a healthy Redis is abandoned exactly when it
 * is needed. A tick is counted once however late it comes, so time during which this process could not have read a
 * reply does not count against Redis.
 *
 * Invariant: `race` settles with the work's own result if it arrives before the deadline's tick, else with the given
 * error, and never earlier than the given time.
 */
const RING = 512;

interface Pending {
  expire(): void;
}

export class Deadlines {
  readonly #tickMs: number;
  readonly #ring: Set<Pending>[] = Array.from({ length: RING }, () => new Set<Pending>());
  #tick = 0;
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tickMs = 25) {
    this.#tickMs = tickMs;
  }

  /**
   * @param ms at most 512 ticks (12.8 s at the default tick)
   * @throws RangeError when `ms` is longer than that
   */
  race<T>(work: Promise<T>, ms: number, timedOut: () => Error): Promise<T> {
    // The current tick is already partly over: one more makes the deadline a lower bound.
    const ticks = Math.ceil(ms / this.#tickMs) + 1;
    if (ticks >= RING) throw new RangeError(`a deadline of ${ms} ms is longer than this queue holds`);
    const bucket = this.#ring[(this.#tick + ticks) % RING] as Set<Pending>;
    return new Promise<T>((resolve, reject) => {
      const pending: Pending = { expire: () => reject(timedOut()) };
      bucket.add(pending);
      this.#pending += 1;
      if (this.#timer === undefined) this.#start();
      work.then(
        (value) => {
          if (bucket.delete(pending)) this.#pending -= 1;
          resolve(value);
        },
        (error: unknown) => {
          if (bucket.delete(pending)) this.#pending -= 1;
          reject(error);
        },
      );
    });
  }

  #start(): void {
    this.#timer = setInterval(() => this.#advance(), this.#tickMs);
    this.#timer.unref();
  }

  #advance(): void {
    this.#tick = (this.#tick + 1) % RING;
    const due = this.#ring[this.#tick] as Set<Pending>;
    if (due.size > 0) {
      this.#pending -= due.size;
      const expired = [...due];
      due.clear();
      for (const pending of expired) pending.expire();
    }
    if (this.#pending === 0 && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
