import type { Database } from '@promptsales/database';
import { sql } from 'kysely';
import type { Priority } from '../job/priority.js';
import type { JobTables } from './job-tables.js';

/** A job that was given up, or an entry of the intake that was none. */
export interface DeadLetter {
  readonly id: string;
  readonly kind: 'job' | 'entry';
  readonly priority: Priority;
  readonly reason: string;
  readonly entry: Buffer | null;
  readonly campanaId: string | null;
  readonly at: Date;
}

export class DeadLetters {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By id, from the one behind `after`: ids of version 7 are in the order of time. */
  async page(tenant: string, limit: number, after: string | null): Promise<readonly DeadLetter[]> {
    const from = after ?? '00000000-0000-0000-0000-000000000000';
    const { rows } = await sql<DeadLetter>`
      (select id, 'job' as kind, priority, coalesce(error, '') as reason, null as entry, campana_id as "campanaId",
          finished_at as at
        from generation_jobs where tenant = ${tenant} and state = 'dead' and id > ${from} order by id limit ${limit})
      union all
      (select id, 'entry', priority, reason, entry, null, at
        from generation_dead_entries where tenant = ${tenant} and id > ${from} order by id limit ${limit})
      order by id limit ${limit}`.execute(this.#database.as<JobTables>());
    return rows;
  }

  /** Jobs of a tenant that were given up. */
  async jobs(tenant: string, most: number): Promise<readonly string[]> {
    const rows = await this.#database
      .as<JobTables>()
      .selectFrom('generation_jobs')
      .select('id')
      .where('tenant', '=', tenant)
      .where('state', '=', 'dead')
      .orderBy('id')
      .limit(most)
      .execute();
    return rows.map(({ id }) => id);
  }
}
