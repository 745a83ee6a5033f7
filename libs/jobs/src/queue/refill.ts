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

export class Refill {
  readonly #parts: RefillParts;
  readonly #settings: RefillSettings;
  readonly #now: () => number;
  #lookAnywayAt: number;

  constructor(parts: RefillParts) {
    this.#parts = parts;
    this.#settings = Object.freeze({ ...DEFAULT_REFILL, ...parts.settings });
    this.#now = parts.now ?? (() => performance.now());
    this.#lookAnywayAt = this.#now() + this.#settings.lookAnywayMs;
  }

  /** Answers how many jobs were given again. */
  async turn(): Promise<number> {
    const { store, queue } = this.#parts;
    const { jobs, settledBefore } = await store.countDispatched(this.#settings.settledAfterMs);
    if (this.#now() < this.#lookAnywayAt && (jobs === 0 || (await queue.size()) >= jobs)) return 0;
    let given = 0;
    let last: DispatchedJob | null = null;
    do {
      const batch: readonly DispatchedJob[] = await store.dispatchedBefore(settledBefore, last, BATCH);
      given += await this.#giveAgain(batch);
      last = batch.length < BATCH ? null : (batch.at(-1) ?? null);
    } while (last !== null);
    this.#lookAnywayAt = this.#now() + this.#settings.lookAnywayMs;
    return given;
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
