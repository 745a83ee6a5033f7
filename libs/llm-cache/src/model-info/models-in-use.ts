import type { Database } from '@promptsales/database';
import { sql, type RawBuilder } from 'kysely';
import type { LedgerTables } from '../ledger/ledger-tables.js';

export interface ModelInUse {
  readonly tenant: string;
  readonly provider: string;
  readonly model: string;
}

/** The models that were asked for lately, as the ledger has them: of the last week, by a tenant, or of the last day, by all. */
export class ModelsInUse {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By provider and name. */
  async of(tenant: string, limit: number): Promise<readonly ModelInUse[]> {
    const used = await this.#used(sql`tenant = ${tenant} and started_at > now() - interval '7 days'`, limit);
    return used.toSorted((one, other) => compared(one.provider, other.provider) || compared(one.model, other.model));
  }

  ofAll(limit: number): Promise<readonly ModelInUse[]> {
    return this.#used(sql`started_at > now() - interval '1 day'`, limit);
  }

  /** The most used first: a limit must not leave out what is needed for the sake of names that somebody made up. */
  async #used(condition: RawBuilder<unknown>, limit: number): Promise<readonly ModelInUse[]> {
    const { rows } = await sql<ModelInUse>`
      select tenant, provider, model from ledger_calls where ${condition}
      group by tenant, provider, model
      order by count(*) desc, tenant, provider, model limit ${limit}`.execute(this.#database.as<LedgerTables>());
    return rows;
  }
}

function compared(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
