import type { LedgerDatabase } from './postgres-ledger-store.js';
import type { LedgerTables } from './ledger-tables.js';

/** For whom a response was made, and by whom. */
export interface ResponseMaker {
  readonly tenant: string;
  readonly keyId: string;
  readonly provider: string;
  /** That was asked for. */
  readonly model: string;
}

/** Who had which response made. */
export interface ResponseMakers {
  /** None where nobody is known to have: a call of another process is known a second after its end at the latest. */
  of(responseId: string): Promise<readonly ResponseMaker[]>;
  /** Makes known what this process has not told yet. */
  tell(): Promise<void>;
}

/** An id is one provider's; more than a few lines of one are those of a provider that repeats itself. */
const MOST = 100;

/** The makers of responses by the calls of the ledger. */
export class LedgerResponseMakers implements ResponseMakers {
  readonly #database: LedgerDatabase;
  readonly #route: string;
  readonly #flush: () => Promise<void>;

  constructor(database: LedgerDatabase, route: string, flush: () => Promise<void>) {
    this.#database = database;
    this.#route = route;
    this.#flush = flush;
  }

  async of(responseId: string): Promise<readonly ResponseMaker[]> {
    // What PostgreSQL cannot hold names no line.
    if (!responseId.isWellFormed() || responseId.includes('\0')) return [];
    const rows = await this.#database
      .as<LedgerTables>()
      .selectFrom('ledger_calls')
      .select(['tenant', 'key_id', 'provider', 'model'])
      .distinct()
      .where('response_id', '=', responseId)
      .where('route', '=', this.#route)
      .limit(MOST)
      .execute();
    return rows.map(({ tenant, key_id: keyId, provider, model }) => ({ tenant, keyId, provider, model }));
  }

  tell(): Promise<void> {
    return this.#flush();
  }
}
