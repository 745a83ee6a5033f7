/**
 * Invalidations by pattern that outlive whoever asked for them.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. An operation is a record in Redis (role `state`) before it begins. Any process can ask how far it has come or have it
 *    stopped.
 * 2. One process carries it out and says so every `heartbeatMs`. When it has been silent for `ownedMs`, another takes over
 *    and begins anew: what is gone is gone and stays counted, and invalidating twice costs misses only.
 * 3. It is `done` only when a process has gone over every server from beginning to end.
 * 4. A process that finds that another carries it out, or has ended it, stops.
 * 5. Without Redis nothing can be recorded. What could not be begun then is kept by this process alone, as the cache keeps
 *    other invalidations, and is never said to be done.
 */
import { randomBytes } from 'node:crypto';
import type { Cache } from '../cache/cache.js';
import { DEFAULT_TENANT } from '../keyspace/family.js';
import { keyspace } from '../keyspace/keyspace.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisRoles } from '../redis/roles.js';
import { FamilyGlob } from './family-glob.js';
import { OperationTable, type OperationFacts, type OperationRecord, type OperationRef } from './operation-table.js';
import { NO_PROGRESS, type PatternProgress } from './pattern-invalidation.js';
import { RunningOperation, type OperationEnd } from './running-operation.js';
import { TooManyOperationsError } from './too-many-operations-error.js';

export interface OperationsSettings {
  /** How long a process that is silent keeps others from taking over. */
  readonly ownedMs: number;
  readonly heartbeatMs: number;
  /** How often each process looks for operations whose owner is gone. */
  readonly lookEveryMs: number;
  /** How many this process carries out at a time. */
  readonly mostAtOnce: number;
}

export const DEFAULT_OPERATIONS: OperationsSettings = {
  ownedMs: 6000,
  heartbeatMs: 1000,
  lookEveryMs: 2000,
  mostAtOnce: 8,
};

/** What is known of an operation. */
export interface OperationView {
  readonly id: string;
  readonly tenant: string;
  readonly pattern: string;
  readonly dryRun: boolean;
  readonly state: OperationRecord['state'];
  readonly progress: PatternProgress;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
}

export type Begun =
  /** `ended` never rejects. `waiting`: for Redis. */
  | {
      readonly kind: 'operation';
      readonly id: string;
      readonly waiting: boolean;
      readonly ended: Promise<OperationEnd>;
    }
  /** See invariant 5. */
  | { readonly kind: 'kept' };

export interface OperationsObserver {
  operation?(event: 'begun' | 'taken_over' | 'done' | 'cancelled' | 'failed' | 'handed_over' | 'kept'): void;
  /** Redis could not be told or asked, which is tried again; or an operation failed for a reason that nobody foresaw. */
  operationTrouble?(error: unknown): void;
}

/** A name without a record is of a process that ended between the two; it is left for so long. */
const NAME_KEPT_MS = 60_000;

export class InvalidationOperations {
  readonly #cache: Cache;
  readonly #roles: RedisRoles;
  readonly #settings: OperationsSettings;
  readonly #observer: OperationsObserver;
  readonly #table: OperationTable;
  readonly #running = new Map<string, RunningOperation>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    cache: Cache,
    roles: RedisRoles,
    settings: Partial<OperationsSettings> = {},
    observer: OperationsObserver = {},
  ) {
    this.#cache = cache;
    this.#roles = roles;
    this.#settings = Object.freeze({ ...DEFAULT_OPERATIONS, ...settings });
    this.#observer = observer;
    this.#table = new OperationTable(roles.link('state'), {
      keyPrefix: cache.keyPrefix,
      owner: `${cache.processId}.${randomBytes(6).toString('base64url')}`,
      ownedMs: this.#settings.ownedMs,
    });
  }

  /** Begins to look for operations whose owner is gone. */
  lookAfterOthers(): this {
    this.#lookLater();
    return this;
  }

  /**
   * @throws TooManyOperationsError
   * @throws RedisUnavailableError for a dry run: it has nothing to say without Redis
   */
  async begin(glob: FamilyGlob, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<Begun> {
    if (this.#running.size >= this.#settings.mostAtOnce) throw new TooManyOperationsError(this.#settings.mostAtOnce);
    const id = randomBytes(12).toString('base64url');
    const ref = refOf(id, glob.tenant);
    const facts: OperationFacts = { glob, dryRun, startedAt: new Date(), progress: NO_PROGRESS, untold: 0 };
    try {
      await this.#table.begin(ref, facts);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError) || dryRun) throw error;
      this.#cache.invalidateMatchingLater(glob);
      this.#observer.operation?.('kept');
      return { kind: 'kept' };
    }
    this.#observer.operation?.('begun');
    const { ended } = this.#carryOut(ref, facts);
    return { kind: 'operation', id, waiting: !this.#roles.link(glob.family.role).up, ended };
  }

  /**
   * @returns null where the tenant has no such operation, or none any more
   * @throws RedisUnavailableError
   */
  async get(id: string, tenant: string = DEFAULT_TENANT): Promise<OperationView | null> {
    const record = await this.#table.read(refOf(id, tenant).key);
    return record === null ? null : viewOf(id, record);
  }

  /**
   * Asks for an operation to be stopped. What was removed stays so.
   * @returns as it stands then: it may have ended before
   * @throws RedisUnavailableError
   */
  async cancel(id: string, tenant: string = DEFAULT_TENANT): Promise<OperationView | null> {
    const ref = refOf(id, tenant);
    if ((await this.#table.cancel(ref)) === 'cancelling') this.#running.get(ref.key)?.cancel();
    return this.get(id, tenant);
  }

  /** Hands over what is going on: others begin it anew. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#running.values()].map((running) => running.handOver()));
  }

  #carryOut(ref: OperationRef, facts: OperationFacts): RunningOperation {
    const running = new RunningOperation(ref, facts, {
      cache: this.#cache,
      table: this.#table,
      heartbeatMs: this.#settings.heartbeatMs,
      trouble: (error) => this.#observer.operationTrouble?.(error),
    });
    this.#running.set(ref.key, running);
    void running.ended.then(({ state }) => {
      this.#running.delete(ref.key);
      this.#observer.operation?.(state);
    });
    return running;
  }

  #lookLater(): void {
    if (this.#closed) return;
    const ms = this.#settings.lookEveryMs * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      void this.#look()
        .catch((error: unknown) => this.#observer.operationTrouble?.(error))
        .then(() => this.#lookLater());
    }, ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    for (const [key, began] of await this.#table.open()) {
      if (this.#closed || this.#running.size >= this.#settings.mostAtOnce) return;
      if (!this.#running.has(key)) await this.#lookAfter(key, began);
    }
  }

  async #lookAfter(key: string, began: number): Promise<void> {
    const record = await this.#table.read(key);
    const now = this.#table.now(key);
    if (record === null) {
      if (now - began > NAME_KEPT_MS) await this.#table.close(key);
      return;
    }
    if (record.ended_at !== undefined) return this.#table.close(key);
    if (record.owned_until_ms > now) return;
    const glob = FamilyGlob.parse(record.pattern, record.tenant);
    const ref: OperationRef = { family: keyspace.cacheOperation, tenant: record.tenant, key };
    const state = await this.#table.keep(ref);
    if (this.#closed || (state !== 'running' && state !== 'cancelling')) return;
    this.#observer.operation?.('taken_over');
    const startedAt = new Date(record.started_at);
    // Whoever gave it up may have said more since it was read. What was deleted stays so; what was only counted is counted anew.
    const known = await this.#table.read(key);
    const progress = record.dry_run || known === null ? NO_PROGRESS : known.progress;
    const running = this.#carryOut(ref, { glob, dryRun: record.dry_run, startedAt, progress, untold: 0 });
    if (state === 'cancelling') running.cancel();
  }
}

function refOf(id: string, tenant: string): OperationRef {
  return keyspace.cacheOperation.at({ id }, tenant);
}

function viewOf(id: string, record: OperationRecord): OperationView {
  return {
    id,
    tenant: record.tenant,
    pattern: record.pattern,
    dryRun: record.dry_run,
    state: record.state,
    progress: { ...record.progress, deleted: record.progress.deleted + (record.deleted_beside ?? 0) },
    startedAt: record.started_at,
    updatedAt: record.updated_at,
    endedAt: record.ended_at ?? null,
  };
}
