/**
 * What keeps jobs moving towards the processes that run them: entries from the intake into PostgreSQL, jobs from PostgreSQL
 * into the queue, and again what either has lost on the way. Every process does all of it; what two do at once is done once.
 */
import { Wake } from '@promptsales/cache-core';
import type { Intake } from './intake/intake.js';
import type { QueuedJob } from './queue/job-queue.js';
import type { Refill } from './queue/refill.js';
import type { JobStore } from './store/job-store.js';

export interface PumpSettings {
  /** Between looks at the intake and at new jobs. */
  readonly everyMs: number;
  /** Between looks for what was left under way. */
  readonly repairEveryMs: number;
  /** Between looks whether the queue has lost jobs. */
  readonly refillEveryMs: number;
}

export const DEFAULT_PUMP: PumpSettings = Object.freeze({
  everyMs: 250,
  repairEveryMs: 2_000,
  refillEveryMs: 5_000,
});

export interface PumpParts {
  readonly intake: Intake;
  readonly store: Pick<JobStore, 'takeUndispatched'>;
  readonly add: (jobs: readonly QueuedJob[]) => Promise<void>;
  readonly refill: Pick<Refill, 'turn' | 'isLooking'>;
  readonly failed: (error: unknown) => void;
  readonly settings?: Partial<PumpSettings>;
}

const BATCH = 200;
/** In one turn: the intake is not to wait for a long queue. */
const MOST_BATCHES = 10;

export class Pump {
  readonly #parts: PumpParts;
  readonly #settings: PumpSettings;
  readonly #closing = new AbortController();
  readonly #wake = new Wake();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: PumpParts) {
    this.#parts = parts;
    this.#settings = Object.freeze({ ...DEFAULT_PUMP, ...parts.settings });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is something new. */
  ring(): void {
    this.#wake.ring();
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  /** Gives the queue what it does not know of. */
  async #dispatch(): Promise<void> {
    const { store, add } = this.#parts;
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      const jobs = await store.takeUndispatched(BATCH);
      await add(jobs);
      if (jobs.length < BATCH) return;
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { everyMs, repairEveryMs, refillEveryMs } = this.#settings;
    let repairAt = 0;
    let refillAt = 0;
    while (!signal.aborted) {
      await this.#attempt(() => this.#parts.intake.turn());
      if (performance.now() >= repairAt) {
        await this.#attempt(() => this.#parts.intake.repair());
        repairAt = performance.now() + repairEveryMs;
      }
      await this.#attempt(() => this.#dispatch());
      const { refill } = this.#parts;
      if (refill.isLooking || performance.now() >= refillAt) {
        await this.#attempt(() => refill.turn());
        refillAt = performance.now() + refillEveryMs;
      }
      await this.#wake.orAfter(everyMs, signal);
    }
  }

  /** What fails is tried again at the next turn. */
  async #attempt(step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#parts.failed(error);
    }
  }
}
