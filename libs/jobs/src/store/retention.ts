/** What has ended is kept for a time, and then deleted: truth that nobody asks for any more. */
import type { Database } from '@promptsales/database';
import { sql, type RawBuilder } from 'kysely';
import type { JobTables } from './job-tables.js';

export interface RetentionSettings {
  /** Of completed jobs, with their events; null: they stay. */
  readonly completedMs: number | null;
  /** Of jobs that were given up and of entries that were none; null: they stay. */
  readonly deadMs: number | null;
}

export interface Swept {
  readonly jobs: number;
  readonly entries: number;
}

/** In one statement, which is one transaction: nobody waits for it for long. */
const BATCH = 1_000;
/** In one sweep: after a long time without one, the next ones go on. */
const MOST_BATCHES = 50;

export class Retention {
  readonly #database: Database;
  readonly #settings: RetentionSettings;
  readonly #batch: number;

  constructor(database: Database, settings: RetentionSettings, batch = BATCH) {
    this.#database = database;
    this.#settings = settings;
    this.#batch = batch;
  }

  /** May be cut off at any point, and done by several processes at once. */
  async sweep(): Promise<Swept> {
    const { completedMs, deadMs } = this.#settings;
    const completed = completedMs === null ? 0 : await this.#all(() => this.#jobs('completed', completedMs));
    if (deadMs === null) return { jobs: completed, entries: 0 };
    const dead = await this.#all(() => this.#jobs('dead', deadMs));
    return { jobs: completed + dead, entries: await this.#all(() => this.#entries(deadMs)) };
  }

  async #all(batch: () => Promise<number>): Promise<number> {
    let deleted = 0;
    for (let turn = 0; turn < MOST_BATCHES; turn += 1) {
      const now = await batch();
      deleted += now;
      if (now < this.#batch) break;
    }
    return deleted;
  }

  /** Their events go with them. What somebody is replaying is left to him. */
  #jobs(state: 'completed' | 'dead', olderThanMs: number): Promise<number> {
    return this.#delete(sql`
      delete from generation_jobs where id in (
        select id from generation_jobs
        where state in ('completed', 'dead') and state = ${state} and finished_at < ${before(olderThanMs)}
        order by finished_at limit ${this.#batch} for update skip locked)`);
  }

  #entries(olderThanMs: number): Promise<number> {
    return this.#delete(sql`
      delete from generation_dead_entries where id in (
        select id from generation_dead_entries where at < ${before(olderThanMs)}
        order by at limit ${this.#batch} for update skip locked)`);
  }

  async #delete(statement: RawBuilder<unknown>): Promise<number> {
    const { numAffectedRows = 0n } = await statement.execute(this.#database.as<JobTables>());
    return Number(numAffectedRows);
  }
}

/** By the clock of PostgreSQL, which is that of the rows. */
function before(ms: number): RawBuilder<Date> {
  return sql`clock_timestamp() - ${ms} * interval '1 millisecond'`;
}
