import { AsyncLocalStorage } from 'node:async_hooks';
import { type Kysely, sql } from 'kysely';
import type { CallRow, ReuseRow } from './ledger-rows.js';
import type { LedgerStore, ProcessProgress } from './ledger-store.js';
import type { LedgerTables } from './ledger-tables.js';

const CALL_COLUMNS = [
  'id',
  'process_id',
  'cause',
  'tenant',
  'key_id',
  'client',
  'user_id',
  'cliente_id',
  'campana_id',
  'segmento',
  'route',
  'provider',
  'model',
  'identity',
  'simulated',
  'started_at',
  'status',
  'ended_at',
  'http_status',
  'answered_model',
  'response_id',
  'service_tier',
  'price_version',
  'unpriced_because',
  'usage',
  'provider_input_tokens',
  'provider_cached_input_tokens',
  'provider_output_tokens',
  'provider_reasoning_tokens',
  'spent_nano_usd',
] as const satisfies readonly (keyof LedgerTables['ledger_calls'])[];

const SETTLED_COLUMNS = CALL_COLUMNS.slice(CALL_COLUMNS.indexOf('status'));

const REUSE_COLUMNS = [
  'process_id',
  'sequence',
  'hits',
  'reused_at',
  'kind',
  'request_id',
  'age_seconds',
  'tenant',
  'key_id',
  'client',
  'user_id',
  'cliente_id',
  'campana_id',
  'segmento',
  'route',
  'provider',
  'model',
  'identity',
  'simulated',
  'answered_model',
  'response_id',
  'service_tier',
  'price_version',
  'unpriced_because',
  'usage',
  'replayed_input_tokens',
  'replayed_cached_input_tokens',
  'replayed_output_tokens',
  'replayed_reasoning_tokens',
  'avoided_nano_usd',
] as const satisfies readonly (keyof LedgerTables['ledger_reuse'])[];

/**
 * Always true. A server that is set up to acknowledge before its log is on disk (`synchronous_commit = off`) does not do so for
 * this transaction: a call may be paid for the moment its intent is acknowledged.
 */
const ACKNOWLEDGED_IS_DURABLE = sql`(
  select case current_setting('synchronous_commit')
    when 'off' then set_config('synchronous_commit', 'local', true) else 'as it is'
  end
) is not null`;

/** What the store needs of `Database`; two lanes, so that a large report cannot keep an intent from a connection. */
export interface LedgerDatabase {
  as<Tables>(): Kysely<Tables>;
  control<Tables>(): Kysely<Tables>;
}

/**
 * The ledger's tables. A batch travels as one JSON parameter that PostgreSQL unfolds by the table's own row type, so that a
 * statement's text and plan do not depend on how many lines it carries.
 *
 * A statement serves lines of many requests: it runs outside the context (deadline, trace) of the request that started it.
 */
export class PostgresLedgerStore implements LedgerStore {
  readonly #lines: Kysely<LedgerTables>;
  readonly #intents: Kysely<LedgerTables>;
  readonly #outsideOfRequests = AsyncLocalStorage.snapshot();

  constructor(database: LedgerDatabase) {
    this.#lines = database.as<LedgerTables>();
    this.#intents = database.control<LedgerTables>();
  }

  writeIntents(rows: readonly CallRow[]): Promise<void> {
    return this.#outsideOfRequests(() => insertCalls(this.#intents, rows));
  }

  writeCalls(rows: readonly CallRow[]): Promise<void> {
    return this.#outsideOfRequests(() => insertCalls(this.#lines, rows));
  }

  writeReuse(rows: readonly ReuseRow[], progress: ProcessProgress): Promise<void> {
    return this.#outsideOfRequests(() => insertReuse(this.#lines, rows, progress));
  }
}

/**
 * Rows are written in the order of their ids, so that two statements that share lines (one may still run in a server that
 * did not answer in time) wait for each other and never in a circle.
 */
async function insertCalls(db: Kysely<LedgerTables>, rows: readonly CallRow[]): Promise<void> {
  const columns = sql.join(CALL_COLUMNS.map((name) => sql.ref(name)));
  const settled = sql.join(SETTLED_COLUMNS.map((name) => sql`${sql.ref(name)} = excluded.${sql.ref(name)}`));
  await sql`
      insert into ledger_calls (${columns})
      select ${columns} from json_populate_recordset(null::ledger_calls, ${JSON.stringify(rows)}::json)
    where ${ACKNOWLEDGED_IS_DURABLE}
    order by id
      on conflict (id) do update set ${settled}
      where ledger_calls.status in ('intent', 'unknown') and excluded.status <> 'intent'
    `.execute(db);
}

/** The lines and the word of the process that it has written them are one statement. */
async function insertReuse(
  db: Kysely<LedgerTables>,
  rows: readonly ReuseRow[],
  progress: ProcessProgress,
): Promise<void> {
  const columns = sql.join(REUSE_COLUMNS.map((name) => sql.ref(name)));
  await sql`
      with lines as (
        insert into ledger_reuse (${columns})
        select ${columns} from json_populate_recordset(null::ledger_reuse, ${JSON.stringify(rows)}::json)
      where ${ACKNOWLEDGED_IS_DURABLE}
      order by sequence
        on conflict do nothing
      )
      insert into ledger_processes as process
        (id, started_at, last_seen_at, hits_reserved, hits_issued, hits_written, hits_dropped, clean_shutdown_at)
      values (
        ${progress.processId}, ${progress.startedAt}, clock_timestamp(), ${progress.hitsReserved}, ${progress.hitsIssued},
        ${progress.hitsWritten}, ${progress.hitsDropped}, case when ${progress.cleanShutdown} then clock_timestamp() end
      )
      on conflict (id) do update set
        last_seen_at = excluded.last_seen_at,
        hits_reserved = case
          when excluded.clean_shutdown_at is null then greatest(process.hits_reserved, excluded.hits_reserved)
          else excluded.hits_reserved
        end,
        hits_issued = greatest(process.hits_issued, excluded.hits_issued),
        hits_written = greatest(process.hits_written, excluded.hits_written),
        hits_dropped = greatest(process.hits_dropped, excluded.hits_dropped),
        clean_shutdown_at = coalesce(process.clean_shutdown_at, excluded.clean_shutdown_at)
    `.execute(db);
}
