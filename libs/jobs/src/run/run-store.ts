import type { Database } from '@promptsales/database';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { INVALID_ANSWER, type CampaignMessage } from '../job/campaign-message.js';
import { changeJob } from '../store/job-events.js';
import { jobOf, type GenerationJob } from '../store/job-store.js';
import type { JobTables } from '../store/job-tables.js';

/** Which run of a job speaks: a later one has a greater attempt, and another number from the campaign's lock. */
export interface RunId {
  readonly id: string;
  readonly attempt: number;
  readonly fence: number;
}

export interface LoadedJob extends GenerationJob {
  /** Until its next attempt, by the clock of PostgreSQL; not more than 0: it may begin. */
  readonly dueInMs: number;
  /** One of its attempts had an answer that was none, which may be cached still. */
  readonly hadInvalidAnswer: boolean;
}

export interface Outcome {
  readonly messages: readonly CampaignMessage[];
  readonly model: string;
  readonly tokensTotal: number | null;
  readonly costTotalUsd: number | null;
  readonly tookMs: number;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** The run is not the job's latest any more: somebody else has taken the job, or its segment, over. */
export class SupersededError extends Error {
  readonly code = 'superseded';

  constructor() {
    super('Another run has taken this job over.');
    this.name = 'SupersededError';
  }
}

const LONGEST_MESSAGE = 500;

/** What runs of jobs write. Every write checks, where it writes, that the run is still the latest. */
export class RunStore {
  readonly #database: Database;
  readonly #changed: (id: string) => void;

  /** `changed` is told of each job of which there is something new to say. */
  constructor(database: Database, changed: (id: string) => void = () => undefined) {
    this.#database = database;
    this.#changed = changed;
  }

  /** Any tenant's. */
  async load(id: string): Promise<LoadedJob | null> {
    const row = await this.#db
      .selectFrom('generation_jobs')
      .selectAll()
      .select(sql<number | null>`extract(epoch from retry_at - clock_timestamp())::float8 * 1000`.as('due_in_ms'))
      .select(
        sql<boolean>`exists (
          select 1 from generation_job_events event
          where event.job_id = generation_jobs.id and event.data -> 'error' ->> 'code' = ${INVALID_ANSWER})`.as(
          'had_invalid',
        ),
      )
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return null;
    return { ...jobOf(row), dueInMs: Math.ceil(row.due_in_ms ?? 0), hadInvalidAnswer: row.had_invalid };
  }

  /** A further run of a job that has not ended; null: there is nothing to run, or a later holder of the lock is at it. */
  async begin(id: string, fence: number): Promise<RunId | null> {
    const begun = await this.#change(id, {
      where: sql<boolean>`state in ('queued', 'running', 'retrying') and coalesce(fence < ${fence}, true)`,
      set: sql`
        state = 'running', attempt = attempt + 1, fence = ${fence}, progress = 10, retry_at = null,
        started_at = coalesce(started_at, clock_timestamp())`,
      type: 'started',
      data: { progress: 10 },
    });
    if (!begun) return null;
    const job = await this.load(id);
    return job === null ? null : { id, attempt: job.attempt, fence };
  }

  async progress(run: RunId, progress: number): Promise<void> {
    await this.#change(run.id, {
      where: ofRun(run),
      set: sql`progress = ${progress}`,
      type: 'progress',
      data: { progress },
    });
  }

  /**
   * Commits the messages and the end of the run together.
   * @throws SupersededError; then nothing of it is written
   */
  async commit(job: GenerationJob, run: RunId, outcome: Outcome): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      const mine = await changeJob(transaction, {
        id: run.id,
        where: ofRun(run),
        set: sql`state = 'written', progress = 90, error_code = null, error = null`,
        type: 'progress',
        data: { progress: 90 },
      });
      if (!mine) throw new SupersededError();
      const { rows } = await sql`
        insert into campaign_messages as stored (
          tenant, campana_id, segmento_hash, segmento, job_id, fence, model, messages, tokens_total, cost_total_usd,
          tiempo_total_ms, fecha_generacion)
        values (
          ${job.tenant}, ${job.campanaId}, ${job.segmentoHash}, ${JSON.stringify(job.segmento)}, ${run.id}, ${run.fence},
          ${outcome.model}, ${JSON.stringify(outcome.messages)}, ${outcome.tokensTotal}, ${outcome.costTotalUsd},
          ${outcome.tookMs}, clock_timestamp())
        on conflict (tenant, campana_id, segmento_hash) do update set
          segmento = excluded.segmento, job_id = excluded.job_id, fence = excluded.fence, model = excluded.model,
          messages = excluded.messages, tokens_total = excluded.tokens_total,
          cost_total_usd = excluded.cost_total_usd, tiempo_total_ms = excluded.tiempo_total_ms,
          fecha_generacion = excluded.fecha_generacion
        where stored.fence < excluded.fence
        returning 1`.execute(transaction);
      if (rows.length === 0) throw new SupersededError();
    });
    this.#changed(run.id);
  }

  /** The copies of what was committed are in Redis. May be said any number of times. */
  async finish(id: string): Promise<boolean> {
    return this.#change(id, {
      where: sql<boolean>`state = 'written'`,
      set: sql`state = 'completed', progress = 100, finished_at = clock_timestamp()`,
      type: 'completed',
      data: { progress: 100 },
    });
  }

  /** It is to be tried again. False: the run is not the latest. */
  async retry(run: RunId, { code, message }: Failure, inMs: number): Promise<boolean> {
    const said = message.slice(0, LONGEST_MESSAGE);
    return this.#change(run.id, {
      where: ofRun(run),
      set: sql`
        state = 'retrying', error_code = ${code}, error = ${said},
        retry_at = clock_timestamp() + ${inMs} * interval '1 millisecond'`,
      type: 'retrying',
      data: { attempt: run.attempt, error: { code, message: said }, retry_in_ms: inMs },
    });
  }

  /** It is given up. False: the run is not the latest. */
  bury(run: RunId, failure: Failure): Promise<boolean> {
    return this.#bury(run.id, ofRun(run), failure);
  }

  /** A job is given up whose attempts are used up and of which nobody runs the last. False: it is at another attempt by now. */
  buryLost({ id, attempt }: GenerationJob, failure: Failure): Promise<boolean> {
    return this.#bury(id, sql<boolean>`state in ('queued', 'running', 'retrying') and attempt = ${attempt}`, failure);
  }

  async #bury(id: string, where: RawBuilder<boolean>, { code, message }: Failure): Promise<boolean> {
    const said = message.slice(0, LONGEST_MESSAGE);
    return this.#change(id, {
      where,
      set: sql`state = 'dead', error_code = ${code}, error = ${said}, finished_at = clock_timestamp()`,
      type: 'failed',
      data: { error: { code, message: said } },
    });
  }

  /** The process ends: another may begin at once, and this attempt does not count. */
  async giveBack(run: RunId): Promise<boolean> {
    return this.#change(run.id, {
      where: ofRun(run),
      set: sql`state = 'queued', attempt = attempt - 1, progress = 0, dispatched_at = null`,
      type: 'queued',
      data: {},
    });
  }

  async #change(id: string, change: Omit<Parameters<typeof changeJob>[1], 'id'>): Promise<boolean> {
    const changed = await changeJob(this.#db, { id, ...change });
    if (changed) this.#changed(id);
    return changed;
  }

  get #db(): Kysely<JobTables> {
    return this.#database.as<JobTables>();
  }
}

function ofRun({ attempt, fence }: RunId) {
  return sql<boolean>`state = 'running' and attempt = ${attempt} and fence = ${fence}`;
}
