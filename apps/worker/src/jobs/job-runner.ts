import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import type { Condition, HealthContributor, MetricsRegistry } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { FleetLock } from './fleet-lock.js';
import type { Job, Turn } from './job.js';

const END_WITHIN_MS = 2_000;

export const JOBS = Symbol('JOBS');
export const JOB_MEASURES = Symbol('JOB_MEASURES');

/** What a turn needs of the fleet's lock. */
export type Lock = Pick<FleetLock, 'tryWith'>;

export interface JobMeasures {
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
}

/**
 * Gives each job its turns. A job never overlaps itself, here or in another worker: a turn that comes too early is dropped, because the
 * next one will do its work. A failure is logged and counted and costs nothing but this turn.
 */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, OnModuleDestroy, HealthContributor {
  readonly name = 'jobs';
  readonly #running = new Map<string, Promise<Turn>>();
  readonly #failing = new Set<string>();
  readonly #turns;
  readonly #seconds;
  readonly #lastDone;
  #ending = false;

  constructor(
    @Inject(JOBS) readonly jobs: readonly Job[],
    @Inject(FleetLock) private readonly lock: Lock,
    @Inject(SchedulerRegistry) private readonly schedule: SchedulerRegistry,
    @Inject(JOB_MEASURES) private readonly measures: JobMeasures,
  ) {
    const { metrics } = measures;
    this.#turns = metrics.counter('worker_job_turns_total', 'Turns of a job, by what became of them', ['job', 'turn']);
    this.#seconds = metrics.histogram(
      'worker_job_seconds',
      'Time that a job took',
      ['job'],
      [0.01, 0.1, 1, 10, 60, 600],
    );
    this.#lastDone = metrics.gauge('worker_job_last_done_timestamp_seconds', 'When a job was last done here', ['job']);
  }

  onApplicationBootstrap(): void {
    for (const job of this.jobs) {
      const interval = setInterval(() => void this.turn(job), job.everyMs);
      this.schedule.addInterval(job.name, interval);
    }
  }

  /**
   * No new turns; what runs is waited for, and not for long: it may be cut off at any point, and behind it others wait who have
   * something to hand over.
   */
  async onModuleDestroy(): Promise<void> {
    this.#ending = true;
    for (const { name } of this.jobs) {
      if (this.schedule.doesExist('interval', name)) this.schedule.deleteInterval(name);
    }
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, END_WITHIN_MS);
    await Promise.race([Promise.allSettled(this.#running.values()), enough]);
    clearTimeout(timer);
  }

  /** One turn, now. Never throws. */
  async turn(job: Job): Promise<Turn> {
    if (this.#ending || this.#running.has(job.name)) return this.#counted(job, 'still_running');
    const turn = this.#run(job);
    this.#running.set(job.name, turn);
    try {
      return this.#counted(job, await turn);
    } finally {
      this.#running.delete(job.name);
    }
  }

  condition(): Condition {
    const failing = [...this.#failing];
    return { status: failing.length === 0 ? 'up' : 'degraded', detail: { failing } };
  }

  async #run(job: Job): Promise<Turn> {
    const began = performance.now();
    try {
      const attempt = await this.lock.tryWith(job.name, () => job.run());
      if (!attempt.ran) return 'elsewhere';
      const ms = Math.round(performance.now() - began);
      this.#failing.delete(job.name);
      this.#seconds.observe({ job: job.name }, ms / 1000);
      this.#lastDone.set({ job: job.name }, Date.now() / 1000);
      const worthSaying = Object.values(attempt.result).some((figure) => figure !== 0);
      this.measures.logger[worthSaying ? 'info' : 'debug']({ job: job.name, ms, ...attempt.result }, 'job done');
      return 'done';
    } catch (error) {
      this.#failing.add(job.name);
      this.measures.logger.error({ err: error, job: job.name }, 'job failed');
      return 'failed';
    }
  }

  #counted(job: Job, turn: Turn): Turn {
    this.#turns.inc({ job: job.name, turn });
    return turn;
  }
}
