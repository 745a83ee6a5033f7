import { RedisUnavailableError } from '@promptsales/cache-core';
import { v7 as uuidv7 } from 'uuid';
import type { JobBell } from './bell/job-bell.js';
import type { IntakeLists } from './intake/intake-lists.js';
import type { GenerationRequest } from './job/generation-request.js';
import type { JobState } from './job/job-state.js';
import { PRIORITIES, type Priority } from './job/priority.js';
import type { DeadLetters } from './store/dead-letters.js';
import type { GenerationJob, JobStore } from './store/job-store.js';

export interface QueueDepth {
  /** Null: not known. */
  readonly intake: number | null;
  readonly queued: number;
  readonly retrying: number;
  readonly running: number;
  readonly failed: number;
}

const MOST_REPLAYED = 1_000;

/** The queue as its callers see it: what they ask for stands in PostgreSQL when they are answered. */
export class GenerationQueue {
  readonly #store: JobStore;
  readonly #lists: IntakeLists;
  readonly #bell: JobBell;
  readonly #dead: DeadLetters;

  constructor(parts: { store: JobStore; lists: IntakeLists; bell: JobBell; dead: DeadLetters }) {
    this.#store = parts.store;
    this.#lists = parts.lists;
    this.#bell = parts.bell;
    this.#dead = parts.dead;
  }

  /** @throws IdempotencyKeyReusedError */
  async enqueue(
    tenant: string,
    request: GenerationRequest,
    priority: Priority,
    idempotencyKey: string | null = null,
  ): Promise<GenerationJob> {
    const job = await this.#store.submit({ id: uuidv7(), tenant, priority, request, idempotencyKey });
    this.#bell.arrived();
    return job;
  }

  async depths(tenant: string): Promise<ReadonlyMap<Priority, QueueDepth>> {
    const [lists, counts] = await Promise.all([this.#intakeOf(tenant), this.#store.counts(tenant)]);
    const count = (priority: Priority, ...states: JobState[]): number =>
      counts
        .filter((one) => one.priority === priority && states.includes(one.state))
        .reduce((sum, { jobs }) => sum + jobs, 0);
    return new Map(
      PRIORITIES.map((priority) => [
        priority,
        {
          intake: lists?.get(priority) ?? null,
          queued: count(priority, 'queued'),
          retrying: count(priority, 'retrying'),
          running: count(priority, 'running', 'written'),
          failed: count(priority, 'dead'),
        },
      ]),
    );
  }

  /** Makes the jobs that were given up wait again, at most a thousand; one of them alone where an id is given. */
  async replay(tenant: string, id?: string): Promise<number> {
    const ids = id === undefined ? await this.#dead.jobs(tenant, MOST_REPLAYED) : [id];
    let replayed = 0;
    for (const one of ids) if ((await this.#store.replay(tenant, one)) !== null) replayed += 1;
    if (replayed > 0) this.#bell.arrived();
    return replayed;
  }

  /** What is on its way out of a list counts as being in it. Null: Redis cannot be asked. */
  async #intakeOf(tenant: string): Promise<ReadonlyMap<Priority, number | null> | null> {
    try {
      const depths = await this.#lists.depths(tenant);
      return new Map(
        [...depths].map(([priority, { waiting, moving }]) => [priority, waiting === null ? null : waiting + moving]),
      );
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      return null;
    }
  }
}
