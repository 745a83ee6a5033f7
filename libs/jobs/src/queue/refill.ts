/**
 * Gives the queue again what it has lost.
 *
 * Every job that has not ended and was given to the queue is in it, once: so what is lost shows in two counts, which cost the
 * same however many jobs wait. Only where the queue holds fewer are its jobs looked for one by one, and only those that it
 * lacks are given again. The counts are not of one moment, and what has ended may still be in the queue (after it came back
 * from an older snapshot, a great many such jobs), so a loss can hide behind them for a while; and jobs are looked for now and
 * then whatever the counts say.
 */
import type { DispatchedJob, JobStore } from '../store/job-store.js';
import type { JobQueue } from './job-queue.js';

export interface RefillSettings {
  /** A job that was given so lately may be on its way still. */
  readonly settledAfterMs: number;
  /** Between looks for each job, whatever the counts say. */
  readonly lookAnywayMs: number;
}

export const DEFAULT_REFILL: RefillSettings = Object.freeze({ settledAfterMs: 10_000, lookAnywayMs: 300_000 });

export interface RefillParts {
  readonly store: Pick<JobStore, 'countDispatched' | 'dispatchedBefore' | 'dispatchedAgain'>;
  readonly queue: Pick<JobQueue, 'size' | 'lacking' | 'add'>;
  readonly settings?: Partial<RefillSettings>;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

const BATCH = 500;
/** In one turn: what else the process does for the queue is not to wait for a long look. */
const MOST_BATCHES = 5;

export class Refill {
  readonly #parts: RefillParts;
  readonly #settings: RefillSettings;
  readonly #now: () => number;
  #lookAnywayAt: number;
  /** How far it has looked; null: it does not. */
  #look: { readonly settledBefore: Date; last: DispatchedJob | null } | null = null;

  constructor(parts: RefillParts) {
    this.#parts = parts;
    this.#settings = Object.freeze({ ...DEFAULT_REFILL, ...parts.settings });
    this.#now = parts.now ?? (() => performance.now());
    this.#lookAnywayAt = this.#now() + this.#settings.lookAnywayMs;
  }

  /** It has begun to look for each job, and goes on with that at its next turn. */
  get isLooking(): boolean {
    return this.#look !== null;
  }

  /** Answers how many jobs were given again. */
  async turn(): Promise<number> {
    this.#look ??= await this.#begun();
    let given = 0;
    for (let batches = 0; this.#look !== null && batches < MOST_BATCHES; batches += 1) {
      const { settledBefore, last } = this.#look;
      const batch = await this.#parts.store.dispatchedBefore(settledBefore, last, BATCH);
      given += await this.#giveAgain(batch);
      if (batch.length === BATCH) this.#look.last = batch.at(-1) ?? null;
      else this.#look = null;
    }
    return given;
  }

  /** Null: there is nothing to look for. */
  async #begun(): Promise<{ settledBefore: Date; last: null } | null> {
    const { store, queue } = this.#parts;
    const { jobs, settledBefore } = await store.countDispatched(this.#settings.settledAfterMs);
    if (this.#now() < this.#lookAnywayAt && (jobs === 0 || (await queue.size()) >= jobs)) return null;
    this.#lookAnywayAt = this.#now() + this.#settings.lookAnywayMs;
    return { settledBefore, last: null };
  }

  async #giveAgain(jobs: readonly DispatchedJob[]): Promise<number> {
    const { store, queue } = this.#parts;
    const lacking = await queue.lacking(jobs);
    if (lacking.length === 0) return 0;
    // Before they are given: one that ends at once is not to be changed after that.
    await store.dispatchedAgain(lacking.map(({ id }) => id));
    await queue.add(lacking);
    return lacking.length;
  }
}
