import type { Database } from '@promptsales/database';
import { sql } from 'kysely';
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

  async of(tenant: string, limit: number): Promise<readonly ModelInUse[]> {
    const { rows } = await sql<ModelInUse>`
      select distinct tenant, provider, model from ledger_calls
      where tenant = ${tenant} and started_at > now() - interval '7 days'
      order by provider, model limit ${limit}`.execute(this.#database.as<LedgerTables>());
    return rows;
  }

  async ofAll(limit: number): Promise<readonly ModelInUse[]> {
    const { rows } = await sql<ModelInUse>`
      select distinct tenant, provider, model from ledger_calls
      where started_at > now() - interval '1 day'
      order by tenant, provider, model limit ${limit}`.execute(this.#database.as<LedgerTables>());
    return rows;
  }
}
