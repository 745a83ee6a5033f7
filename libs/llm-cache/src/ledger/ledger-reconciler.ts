import { type Kysely, sql } from 'kysely';
import type { LedgerTables } from './ledger-tables.js';

export interface ReconcilerOptions {
  /** A process that has not been seen for so long is gone. Processes are seen every few seconds. */
  readonly goneAfterMs: number;
  readonly linesPerStatement: number;
}

export const RECONCILER_DEFAULTS: ReconcilerOptions = Object.freeze({ goneAfterMs: 30_000, linesPerStatement: 10_000 });

/**
 * Closes the intents of processes that are gone: what they asked was perhaps answered and perhaps billed, so their lines
 * become `unknown` and stay without a cost. Time is the database's. A process that was only frozen may come back and settle:
 * knowing more replaces `unknown`.
 */
export class LedgerReconciler {
  readonly #db: Kysely<LedgerTables>;
  readonly #options: ReconcilerOptions;

  constructor(db: Kysely<LedgerTables>, options: Partial<ReconcilerOptions> = {}) {
    this.#db = db;
    this.#options = Object.freeze({ ...RECONCILER_DEFAULTS, ...options });
  }

  /** May run in several workers at once. Returns how many lines became unknown. */
  async reconcileOrphans(): Promise<{ orphans: number }> {
    let orphans = 0;
    for (;;) {
      const closed = await this.#closeSome();
      orphans += closed;
      if (closed < this.#options.linesPerStatement) return { orphans };
    }
  }

  async #closeSome(): Promise<number> {
    const gone = sql`now() - make_interval(secs => ${this.#options.goneAfterMs / 1000})`;
    const result = await sql`
      update ledger_calls set status = 'unknown', ended_at = now()
      where status = 'intent' and id in (
        select call.id
        from ledger_calls call left join ledger_processes process on process.id = call.process_id
        where call.status = 'intent'
          and (process.clean_shutdown_at is not null or coalesce(process.last_seen_at, call.started_at) < ${gone})
        order by call.id
        limit ${this.#options.linesPerStatement}
        for update of call skip locked
      )
    `.execute(this.#db);
    return Number(result.numAffectedRows ?? 0n);
  }
}
