/**
 * The queue that hands jobs to processes: BullMQ, on connections of its own in role `state`.
 *
 * It knows of a job its id and its priority, and nothing that could not be lost: jobs, attempts and times stand in
 * PostgreSQL. What BullMQ adds is order by priority, delays, and that a job whose process is gone is handed to another.
 * A job that it hands out twice, or that was given to it twice, is harmless (see run/job-runs.ts); a job that it has lost is
 * given to it again (see refill.ts). So nothing here is kept once a job has left: truth would then be in two places.
 */
import { queueKeys, type RedisRoles } from '@promptsales/cache-core';
import { DelayedError, Queue, Worker, type Job } from 'bullmq';
import type { Priority } from '../job/priority.js';
import type { Again } from '../run/job-runs.js';

export interface QueuedJob {
  readonly id: string;
  readonly priority: Priority;
}

export interface JobQueueSettings {
  readonly keyPrefix: string;
  /** Jobs that this process runs at a time. */
  readonly concurrency: number;
  /** A process that did not say for so long that it is there has lost its jobs to others. */
  readonly stalledAfterMs: number;
}

export interface JobQueueParts {
  readonly roles: RedisRoles;
  readonly settings: JobQueueSettings;
  readonly run: (id: string) => Promise<Again>;
  /** What went wrong with the queue itself; it goes on. */
  readonly failed: (error: unknown) => void;
}

/** Connections that a process opens for it: two to hand out (one of them blocks), one to put in. */
export const QUEUE_CONNECTIONS = 3;

const QUEUE = 'ai_generation';
/** BullMQ takes the smallest first, and those without one before all. */
const ORDER: Readonly<Record<Priority, number>> = { high: 1, normal: 2, low: 3 };
/** After what nobody foresaw, such as PostgreSQL being away. */
const TROUBLE_MS = 1_000;
/** Attempts are counted in PostgreSQL. */
const NO_LIMIT = 1_000_000;
const ADD_WITHIN_MS = 2_000;
const CLOSE_WITHIN_MS = 2_000;

export class JobQueue {
  readonly #parts: JobQueueParts;
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #adding: ReturnType<RedisRoles['ownClient']>;
  readonly #clients: readonly { disconnect(): void }[];

  constructor(parts: JobQueueParts) {
    const { roles, settings, failed } = parts;
    this.#parts = parts;
    const prefix = queueKeys.prefixAt(settings.keyPrefix);
    const adding = roles.ownClient('state', 'jobs');
    const running = roles.ownClient('state', 'jobs worker');
    for (const client of [adding, running]) client.on('error', failed);
    this.#adding = adding;
    this.#clients = [adding, running];
    this.#queue = new Queue(QUEUE, { connection: adding, prefix });
    this.#worker = new Worker(QUEUE, (job, token) => this.#run(job, token), {
      connection: running,
      prefix,
      autorun: false,
      concurrency: settings.concurrency,
      lockDuration: settings.stalledAfterMs,
      stalledInterval: settings.stalledAfterMs / 2,
      maxStalledCount: NO_LIMIT,
      runRetryDelay: TROUBLE_MS,
      drainDelay: 1,
    });
    this.#queue.on('error', failed);
    this.#worker.on('error', failed);
  }

  start(): void {
    this.#worker.run().catch((error: unknown) => this.#parts.failed(error));
  }

  /** Jobs that it has already stay where they are. */
  async add(jobs: readonly QueuedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const adding = this.#queue.addBulk(
      jobs.map(({ id, priority }) => ({
        name: 'generate',
        data: {},
        opts: { jobId: id, priority: ORDER[priority], removeOnComplete: true, removeOnFail: true },
      })),
    );
    await within(ADD_WITHIN_MS, adding, 'the queue did not take jobs in time');
  }

  /** How many jobs it has, waiting, put off or handed out. */
  async size(): Promise<number> {
    const counting = this.#queue.getJobCounts('wait', 'prioritized', 'delayed', 'active');
    const counts = await within(ADD_WITHIN_MS, counting, 'the queue did not count its jobs in time');
    return Object.values(counts).reduce((sum, jobs) => sum + jobs, 0);
  }

  /** Which of these it does not have. */
  async lacking<One extends QueuedJob>(jobs: readonly One[]): Promise<One[]> {
    if (jobs.length === 0) return [];
    const pipeline = this.#adding.pipeline();
    for (const { id } of jobs) pipeline.exists(this.#queue.toKey(id));
    const looking = pipeline.exec();
    const found = (await within(ADD_WITHIN_MS, looking, 'the queue did not say in time which jobs it has')) ?? [];
    const failed = found.find(([error]) => error !== null);
    if (failed !== undefined) throw failed[0] ?? new Error('the queue did not say which jobs it has');
    return jobs.filter((_job, at) => found[at]?.[1] === 0);
  }

  /** What runs is given a moment to stop; what does not, another process takes when it has stalled. */
  async close(): Promise<void> {
    try {
      await within(CLOSE_WITHIN_MS, this.#worker.close(), 'jobs did not stop in time');
      await within(CLOSE_WITHIN_MS, this.#queue.close(), 'the queue was not closed in time');
    } catch (error) {
      this.#parts.failed(error);
      // Forced: nothing is waited for.
      void this.#worker.close(true).catch(this.#parts.failed);
    } finally {
      for (const client of this.#clients) client.disconnect();
    }
  }

  async #run(job: Job, token: string | undefined): Promise<void> {
    const again = await this.#parts.run(job.id ?? '').catch((error: unknown): Again => {
      this.#parts.failed(error);
      return { inMs: TROUBLE_MS };
    });
    if (again === null) return;
    await job.moveToDelayed(Date.now() + again.inMs, token);
    throw new DelayedError();
  }
}

async function within<T>(ms: number, work: Promise<T>, late: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(late)), ms);
  });
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}
