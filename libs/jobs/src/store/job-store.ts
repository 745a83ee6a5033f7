import type { Database } from '@promptsales/database';
import { sql, type Kysely, type Selectable } from 'kysely';
import type { Move } from '../intake/intake-lists.js';
import { segmentoHash, type GenerationRequest, type Segmento } from '../job/generation-request.js';
import type { JobState } from '../job/job-state.js';
import type { Priority } from '../job/priority.js';
import { changeJob, eventsAfter, type JobEvent } from './job-events.js';
import type { GenerationJobsTable, JobTables } from './job-tables.js';

/** A job as callers are shown it. */
export interface GenerationJob {
  readonly id: string;
  readonly tenant: string;
  readonly campanaId: string;
  readonly segmento: Segmento;
  readonly segmentoHash: string;
  readonly priority: Priority;
  readonly state: JobState;
  readonly attempt: number;
  readonly progress: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly retryAt: Date | null;
  readonly finishedAt: Date | null;
}

/** A job that the queue was given. */
export interface DispatchedJob {
  readonly id: string;
  readonly priority: Priority;
  readonly dispatchedAt: Date;
}

/** An entry of the intake that has become a request. */
export type AdmittedJob = Pick<Move, 'id'> & {
  readonly tenant: string;
  readonly priority: Priority;
  readonly request: GenerationRequest;
};

/** An entry of the intake that is none. */
export type MalformedEntry = Pick<Move, 'id' | 'entry' | 'bytes'> & {
  readonly tenant: string;
  readonly priority: Priority;
  readonly reason: string;
};

export interface Submission extends AdmittedJob {
  readonly idempotencyKey: string | null;
}

/** The key was used before, for something else. */
export class IdempotencyKeyReusedError extends Error {
  readonly code = 'idempotency_key_reused';

  constructor() {
    super('This Idempotency-Key was sent before with another request. Use a new one for a new request.');
    this.name = 'IdempotencyKeyReusedError';
  }
}

/** Jobs as they stand in PostgreSQL. */
export class JobStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws while PostgreSQL cannot be asked. */
  async reachable(): Promise<void> {
    await sql`select 1`.execute(this.#db);
  }

  /** Makes jobs and dead letters of entries; what is there already stays as it is. All or nothing. */
  async admit(jobs: readonly AdmittedJob[], malformed: readonly MalformedEntry[] = []): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      if (jobs.length > 0)
        await insertJobs(
          transaction,
          jobs.map((job) => rowOf(job, 'intake')),
        );
      if (malformed.length === 0) return;
      await transaction
        .insertInto('generation_dead_entries')
        .values(
          malformed.map(({ id, tenant, priority, entry, bytes, reason }) => ({
            id,
            tenant,
            priority,
            entry,
            entry_bytes: bytes,
            reason,
          })),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
  }

  /**
   * Makes a job; sent again under its idempotency key, it is the one that was made.
   * @throws IdempotencyKeyReusedError
   */
  async submit(submission: Submission): Promise<GenerationJob> {
    const { tenant, idempotencyKey } = submission;
    const row = { ...rowOf(submission, 'api'), idempotency_key: idempotencyKey };
    return this.#db.transaction().execute(async (transaction) => {
      const made = await insertJobs(transaction, [row]);
      let query = transaction.selectFrom('generation_jobs').selectAll().where('tenant', '=', tenant);
      query =
        made || idempotencyKey === null
          ? query.where('id', '=', submission.id)
          : query.where('idempotency_key', '=', idempotencyKey);
      const found = await query.executeTakeFirstOrThrow();
      if (!asksTheSame(found, row)) throw new IdempotencyKeyReusedError();
      return jobOf(found);
    });
  }

  /** Null: there is none, or it is another tenant's. */
  async find(tenant: string, id: string): Promise<GenerationJob | null> {
    const row = await this.#db
      .selectFrom('generation_jobs')
      .selectAll()
      .where('id', '=', id)
      .where('tenant', '=', tenant)
      .executeTakeFirst();
    return row === undefined ? null : jobOf(row);
  }

  eventsAfter(id: string, after: number): Promise<{ readonly events: readonly JobEvent[]; readonly ended: boolean }> {
    return eventsAfter(this.#db, id, after);
  }

  /** How many jobs of a tenant have not ended, and how many were given up. */
  async counts(tenant: string): Promise<readonly { priority: Priority; state: JobState; jobs: number }[]> {
    const { rows } = await sql<{ priority: Priority; state: JobState; jobs: string }>`
      select priority, state, count(*) as jobs from generation_jobs
      where tenant = ${tenant} and state <> 'completed'
      group by priority, state`.execute(this.#db);
    return rows.map((row) => ({ ...row, jobs: Number(row.jobs) }));
  }

  /** Jobs that the queue was never given. They are taken as given now. */
  async takeUndispatched(most: number): Promise<readonly { id: string; priority: Priority }[]> {
    const { rows } = await sql<{ id: string; priority: Priority }>`
      update generation_jobs set dispatched_at = clock_timestamp()
      where id in (
        select id from generation_jobs
        where state not in ('completed', 'dead') and dispatched_at is null
        limit ${most}
        for update skip locked
      )
      returning id, priority`.execute(this.#db);
    return rows;
  }

  /** How many jobs the queue was given that have not ended, and what was given to it so long ago that it has them. */
  async countDispatched(settledAfterMs: number): Promise<{ readonly jobs: number; readonly settledBefore: Date }> {
    const { rows } = await sql<{ jobs: string; settledBefore: Date }>`
      select count(*) as jobs,
        (clock_timestamp() - ${settledAfterMs} * interval '1 millisecond')::timestamptz(3) as "settledBefore"
      from generation_jobs
      where state not in ('completed', 'dead') and dispatched_at is not null`.execute(this.#db);
    const [row] = rows;
    if (row === undefined) throw new Error('a count without a row');
    return { jobs: Number(row.jobs), settledBefore: row.settledBefore };
  }

  /** Jobs that have not ended and were given to the queue before that, by the time when they were, behind `after`. */
  async dispatchedBefore(before: Date, after: DispatchedJob | null, most: number): Promise<readonly DispatchedJob[]> {
    const behind = after === null ? sql`true` : sql`(dispatched_at, id) > (${after.dispatchedAt}, ${after.id})`;
    const { rows } = await sql<DispatchedJob>`
      select id, priority, dispatched_at as "dispatchedAt" from generation_jobs
      where state not in ('completed', 'dead') and dispatched_at < ${before} and ${behind}
      order by dispatched_at, id
      limit ${most}`.execute(this.#db);
    return rows;
  }

  async dispatchedAgain(ids: readonly string[]): Promise<void> {
    await sql`
      update generation_jobs set dispatched_at = clock_timestamp()
      where id = any(${ids}) and state not in ('completed', 'dead')`.execute(this.#db);
  }

  /** Makes a dead job a waiting one again, with all its attempts. Null: there is no such dead job. */
  async replay(tenant: string, id: string): Promise<GenerationJob | null> {
    const replayed = await changeJob(this.#db, {
      id,
      where: sql<boolean>`tenant = ${tenant} and state = 'dead'`,
      set: sql`state = 'queued', attempt = 0, progress = 0, finished_at = null, retry_at = null, dispatched_at = null`,
      type: 'queued',
      data: { replayed: true },
    });
    return replayed ? this.find(tenant, id) : null;
  }

  get #db(): Kysely<JobTables> {
    return this.#database.as<JobTables>();
  }
}

type NewRow = Pick<
  GenerationJobsTable,
  'id' | 'tenant' | 'campana_id' | 'segmento_hash' | 'priority' | 'source' | 'idempotency_key'
> & { readonly segmento: string };

function rowOf({ id, tenant, priority, request }: AdmittedJob, source: GenerationJobsTable['source']): NewRow {
  return {
    id,
    tenant,
    campana_id: request.campanaId,
    segmento: JSON.stringify(request.segmento),
    segmento_hash: segmentoHash(tenant, request),
    priority,
    source,
    idempotency_key: null,
  };
}

/** With their first event each. Whether all of them are new. */
async function insertJobs(db: Kysely<JobTables>, rows: readonly NewRow[]): Promise<boolean> {
  const made = await db
    .insertInto('generation_jobs')
    .values(rows.map((row) => ({ ...row, last_event: 1 })))
    .onConflict((conflict) => conflict.doNothing())
    .returning(['id', 'priority', 'created_at'])
    .execute();
  if (made.length === 0) return rows.length === 0;
  await db
    .insertInto('generation_job_events')
    .values(
      made.map(({ id, priority, created_at: at }) => ({
        job_id: id,
        number: 1,
        type: 'queued',
        data: JSON.stringify({ priority }),
        at,
      })),
    )
    .execute();
  return made.length === rows.length;
}

type Asked = Pick<NewRow, 'segmento_hash' | 'priority'>;

/** The hash covers tenant, campaign and segment. */
function asksTheSame(one: Asked, other: Asked): boolean {
  return one.segmento_hash === other.segmento_hash && one.priority === other.priority;
}

export function jobOf(row: Selectable<GenerationJobsTable>): GenerationJob {
  const { id, tenant, segmento, priority, state, attempt, progress } = row;
  return {
    id,
    tenant,
    campanaId: row.campana_id,
    segmento,
    segmentoHash: row.segmento_hash,
    priority,
    state,
    attempt,
    progress,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error ?? '' },
    createdAt: row.created_at,
    startedAt: row.started_at,
    retryAt: row.retry_at,
    finishedAt: row.finished_at,
  };
}
