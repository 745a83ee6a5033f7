import { sql, type Kysely, type RawBuilder } from 'kysely';
import { isTerminal, type JobState } from '../job/job-state.js';
import type { JobTables } from './job-tables.js';

/** What became of a job, in its order from 1 without gaps. */
export interface JobEvent {
  readonly number: number;
  readonly type: JobEventType;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

export type JobEventType = 'queued' | 'started' | 'progress' | 'retrying' | 'completed' | 'failed';

export interface Transition {
  readonly id: string;
  /** Holds for the rows that may change. */
  readonly where: RawBuilder<boolean>;
  readonly set: RawBuilder<unknown>;
  readonly type: JobEventType;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Changes a job and says so, in one statement: the event's number is counted in the row that changes, so events of a job are
 * committed in their order, and whoever has seen one has seen all before it. False: the job is not as supposed.
 */
export async function changeJob(
  db: Kysely<JobTables>,
  { id, where, set, type, data = {} }: Transition,
): Promise<boolean> {
  const { rows } = await sql`
    with changed as (
      update generation_jobs set ${set}, last_event = last_event + 1, updated_at = clock_timestamp()
      where id = ${id} and ${where}
      returning id, last_event
    )
    insert into generation_job_events (job_id, number, type, data, at)
    select id, last_event, ${type}, ${JSON.stringify(data)}::jsonb, clock_timestamp() from changed
    returning number`.execute(db);
  return rows.length > 0;
}

/** The events behind `after`, and whether no more will come. */
export async function eventsAfter(
  db: Kysely<JobTables>,
  id: string,
  after: number,
): Promise<{ readonly events: readonly JobEvent[]; readonly ended: boolean }> {
  const { rows } = await sql<{
    state: JobState;
    last_event: number;
    number: number | null;
    type: JobEventType;
    data: Readonly<Record<string, unknown>>;
    at: Date;
  }>`
    select job.state, job.last_event, event.number, event.type, event.data, event.at
    from generation_jobs job
    left join generation_job_events event on event.job_id = job.id and event.number > ${after}
    where job.id = ${id}
    order by event.number`.execute(db);
  const [first] = rows;
  const events = rows.flatMap(({ number, type, data, at }) => (number === null ? [] : [{ number, type, data, at }]));
  return { events, ended: first === undefined || isTerminal(first.state) };
}
