import type { Locks, RedisRoles } from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import { JobBell } from './bell/job-bell.js';
import { Intake, type IntakeObserver } from './intake/intake.js';
import { IntakeLists } from './intake/intake-lists.js';
import { CampaignMessages } from './messages/campaign-messages.js';
import { MessagesCopies } from './messages/messages-copies.js';
import { Pump, type PumpSettings } from './pump.js';
import { JobQueue } from './queue/job-queue.js';
import { Refill, type RefillSettings } from './queue/refill.js';
import type { Generator } from './run/generator.js';
import { JobRuns, type JobRunObserver, type JobRunSettings } from './run/job-runs.js';
import { RunStore } from './run/run-store.js';
import { JobStore } from './store/job-store.js';

export interface GenerationWorkerSettings {
  readonly keyPrefix: string;
  /** Seconds by family id (see `resolveTtls`). */
  readonly ttls: Readonly<Record<string, number | null>>;
  /** Jobs that this process runs at a time. */
  readonly concurrency: number;
  /** A process that did not say for so long that it is there has lost its jobs to others. */
  readonly stalledAfterMs: number;
  readonly runs: Partial<JobRunSettings>;
  readonly pump?: Partial<PumpSettings>;
  readonly refill?: Partial<RefillSettings>;
}

export interface GenerationWorkerParts {
  readonly roles: RedisRoles;
  readonly database: Database;
  /** With a fencing source. */
  readonly locks: Pick<Locks, 'acquire'>;
  readonly generator: Generator;
  /** Whose intake there may be. */
  readonly tenants: () => Promise<readonly string[]>;
  readonly settings: GenerationWorkerSettings;
  readonly observer?: JobRunObserver & Omit<IntakeObserver, 'failed'>;
  /** What went wrong; the worker goes on. */
  readonly failed: (error: unknown) => void;
}

/** All that one process does for jobs: it moves them towards the queue, and runs those that the queue hands to it. */
export class GenerationWorker {
  readonly #closing = new AbortController();
  readonly #pump: Pump;
  readonly #queue: JobQueue;
  readonly #bell: JobBell;
  readonly #failed: (error: unknown) => void;
  #silence: (() => void) | null = null;

  constructor(parts: GenerationWorkerParts) {
    const { roles, database, locks, generator, tenants, settings, observer = {}, failed } = parts;
    const { keyPrefix, ttls, concurrency, stalledAfterMs } = settings;
    const bell = new JobBell(roles, keyPrefix, failed);
    const store = new JobStore(database);
    const runs = new JobRuns({
      runs: new RunStore(database, (id) => bell.changed(id)),
      messages: new CampaignMessages(database),
      copies: new MessagesCopies(roles, { keyPrefix, ttls }),
      locks,
      generator,
      settings: settings.runs,
      observer: { ...observer, failed },
      closing: this.#closing.signal,
    });
    this.#bell = bell;
    this.#failed = failed;
    this.#queue = new JobQueue({
      roles,
      settings: { keyPrefix, concurrency, stalledAfterMs },
      run: (id) => runs.run(id),
      failed,
    });
    this.#pump = new Pump({
      intake: new Intake({
        lists: new IntakeLists(roles, keyPrefix),
        store,
        tenants,
        observer: { ...observer, failed: (_list, error) => failed(error) },
      }),
      store,
      add: (jobs) => this.#queue.add(jobs),
      refill: new Refill({
        store,
        queue: this.#queue,
        ...(settings.refill === undefined ? {} : { settings: settings.refill }),
      }),
      failed,
      ...(settings.pump === undefined ? {} : { settings: settings.pump }),
    });
  }

  start(): void {
    this.#queue.start();
    this.#pump.start();
    this.#bell.onArrival(() => this.#pump.ring()).then((silence) => (this.#silence = silence), this.#failed);
  }

  /** Gives back what has not committed: another process begins it at once. */
  async stop(): Promise<void> {
    this.#silence?.();
    this.#closing.abort(new Error('the process ends'));
    await this.#pump.stop();
    await this.#queue.close();
  }
}
