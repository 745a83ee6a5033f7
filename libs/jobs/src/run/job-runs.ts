/**
 * One run of a job: its messages asked for, committed, and copied to Redis.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. Any job may be run at any time, any number of times, by several processes at once: what has an effect is one
 *    transaction, which commits messages and the end of the run together, and only for the run that the row names. A run
 *    takes the row over when it begins, under a number from the campaign's lock that is greater than all before it.
 * 2. So a process that was stopped and goes on when another has taken its job over can write nothing: not to PostgreSQL,
 *    where its attempt and number are compared, and not to Redis, where the number lies beside the copies.
 * 3. What is committed is copied by whoever comes next, from PostgreSQL: the copies never depend on the process that made
 *    the messages. Only when they are written has the job ended.
 * 4. Attempts are counted in PostgreSQL when they begin, so a job that takes its process down with it is given up, too: when
 *    its last attempt has lost the lock.
 * 5. The lock only saves work: correctness is in 1 and 2.
 */
import { keyspace, LockHeldError, type HeldLock, type Locks } from '@promptsales/cache-core';
import { messagesIn, InvalidAnswerError, type CampaignMessage } from '../job/campaign-message.js';
import { isTerminal } from '../job/job-state.js';
import type { CampaignMessages } from '../messages/campaign-messages.js';
import type { MessagesCopies } from '../messages/messages-copies.js';
import type { GenerationJob } from '../store/job-store.js';
import { GenerationFailedError, type Generator } from './generator.js';
import { SupersededError, type Failure, type LoadedJob, type RunId, type RunStore } from './run-store.js';

export interface JobRunSettings {
  /** A job that failed so often is given up. */
  readonly attempts: number;
  /** Before the second attempt; twice that before each further one. */
  readonly backoffMs: number;
  /** At most so long. */
  readonly mostBackoffMs: number;
}

export const DEFAULT_RUNS: JobRunSettings = Object.freeze({
  attempts: 5,
  backoffMs: 1_000,
  mostBackoffMs: 300_000,
});

export interface JobRunObserver {
  /** What the job was told of in general words only. */
  failed?(error: unknown): void;
  ended?(how: 'completed' | 'retrying' | 'dead' | 'superseded' | 'given_back' | 'held', seconds: number): void;
}

export interface JobRunParts {
  readonly runs: RunStore;
  readonly messages: CampaignMessages;
  readonly copies: MessagesCopies;
  readonly locks: Pick<Locks, 'acquire'>;
  readonly generator: Generator;
  readonly settings?: Partial<JobRunSettings>;
  readonly observer?: JobRunObserver;
  /** Ends runs that have not committed: another process takes their jobs. */
  readonly closing?: AbortSignal;
}

/** When to look at the job again; null: it has ended. */
export type Again = { readonly inMs: number } | null;

const WORKER_LOST: Failure = {
  code: 'worker_lost',
  message: 'Each process that ran this job has ended before it did.',
};
const UNEXPECTED: Failure = { code: 'internal_error', message: 'Something unexpected went wrong.' };
/** Between looks at a lock whose holder may be dead. */
const HELD_MS = { least: 100, most: 5_000 } as const;

export class JobRuns {
  readonly #parts: JobRunParts;
  readonly #settings: JobRunSettings;

  constructor(parts: JobRunParts) {
    this.#parts = parts;
    this.#settings = Object.freeze({ ...DEFAULT_RUNS, ...parts.settings });
  }

  /**
   * Runs the job if it has not ended. Throws only when PostgreSQL or Redis cannot be asked: then nobody knows what has
   * become of the job, and it is to be run again.
   */
  async run(id: string): Promise<Again> {
    const { runs } = this.#parts;
    const job = await runs.load(id);
    if (job === null || isTerminal(job.state)) return null;
    if (job.state === 'written') return this.#copy(job);
    // The queue has lost its delay, and was given it again.
    if (job.state === 'retrying' && job.dueInMs > 0) return { inMs: job.dueInMs };
    const lock = await this.#lock(job);
    if (!('release' in lock)) return lock;
    try {
      return job.attempt < this.#settings.attempts ? await this.#under(lock, job) : await this.#giveUp(job);
    } finally {
      await lock.release();
    }
  }

  async #lock({ tenant, campanaId }: GenerationJob): Promise<HeldLock | { readonly inMs: number }> {
    const ref = keyspace.lockContentGeneration.at({ campana_id: campanaId }, tenant);
    try {
      return await this.#parts.locks.acquire(ref, { fenced: true });
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      this.#ended('held', 0);
      const freeInMs = error.retryAfterMs ?? HELD_MS.most;
      return { inMs: Math.min(Math.max(freeInMs, HELD_MS.least), HELD_MS.most) };
    }
  }

  /** Under the lock: while the last attempt has it, the job is not lost. */
  async #giveUp(job: GenerationJob): Promise<Again> {
    const buried = await this.#parts.runs.buryLost(job, job.error ?? WORKER_LOST);
    if (!buried) return { inMs: HELD_MS.least };
    this.#ended('dead', 0);
    return null;
  }

  async #under(lock: HeldLock, job: LoadedJob): Promise<Again> {
    const run = await this.#parts.runs.begin(job.id, lock.token ?? 0);
    // It has ended meanwhile, or a later holder is at it.
    if (run === null) return { inMs: HELD_MS.least };
    const began = performance.now();
    const seconds = (): number => (performance.now() - began) / 1000;
    try {
      await this.#generate(lock, job, run);
    } catch (error) {
      return this.#failed(lock, run, error, seconds());
    }
    return this.#copy(job, seconds());
  }

  async #generate(lock: HeldLock, job: LoadedJob, run: RunId): Promise<void> {
    const { generator, runs, closing } = this.#parts;
    const signal = closing === undefined ? lock.signal : AbortSignal.any([lock.signal, closing]);
    const began = performance.now();
    const anew = job.hadInvalidAnswer;
    const { content, model, tokensTotal, costTotalUsd } = await generator.generate(job, { anew, signal });
    const messages: readonly CampaignMessage[] = messagesIn(content);
    await runs.progress(run, 80);
    const tookMs = Math.round(performance.now() - began);
    await runs.commit(job, run, { messages, model, tokensTotal, costTotalUsd, tookMs });
  }

  async #copy(job: GenerationJob, seconds = 0): Promise<Again> {
    const { messages, copies, runs } = this.#parts;
    const written = await messages.of(job.tenant, job.campanaId, job.segmentoHash);
    if (written !== null) await copies.write(job.tenant, written);
    if (await runs.finish(job.id)) this.#ended('completed', seconds);
    return null;
  }

  async #failed(lock: HeldLock, run: RunId, error: unknown, seconds: number): Promise<Again> {
    const { runs, closing } = this.#parts;
    // Without the lock the generator was told to stop, in whatever words it says so.
    if (error instanceof SupersededError || !lock.held) {
      this.#ended('superseded', seconds);
      // Whoever took over may have died since: somebody has to look again.
      return { inMs: HELD_MS.most };
    }
    if (closing?.aborted === true) {
      await runs.giveBack(run);
      this.#ended('given_back', seconds);
      return { inMs: 0 };
    }
    const failure = failureOf(error);
    if (failure.code === UNEXPECTED.code) this.#parts.observer?.failed?.(error);
    const again = isRetriable(error) && run.attempt < this.#settings.attempts;
    if (!again) {
      const buried = await runs.bury(run, failure);
      this.#ended(buried ? 'dead' : 'superseded', seconds);
      // Another run is at it, or this one has committed and was not told so: its copies are to be written.
      return buried ? null : { inMs: HELD_MS.least };
    }
    const inMs = this.#backoffMs(run.attempt);
    const noted = await runs.retry(run, failure, inMs);
    this.#ended(noted ? 'retrying' : 'superseded', seconds);
    return { inMs };
  }

  /** Spread by a quarter, so that jobs that failed together do not come back together. */
  #backoffMs(attempt: number): number {
    const { backoffMs, mostBackoffMs } = this.#settings;
    const even = Math.min(backoffMs * 2 ** (attempt - 1), mostBackoffMs);
    return Math.round(even * (0.75 + Math.random() / 2));
  }

  #ended(how: Parameters<NonNullable<JobRunObserver['ended']>>[0], seconds: number): void {
    this.#parts.observer?.ended?.(how, seconds);
  }
}

function isRetriable(error: unknown): boolean {
  return !(error instanceof GenerationFailedError) || error.retriable;
}

/** What is known to be safe to tell; the rest stays in the log of the process. */
function failureOf(error: unknown): Failure {
  if (error instanceof GenerationFailedError || error instanceof InvalidAnswerError) {
    return { code: error.code, message: error.message };
  }
  return UNEXPECTED;
}
