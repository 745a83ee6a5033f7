import type { Statement } from '@promptsales/database';
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Price } from '../prices/price-table.js';
import { writtenPrice } from '../prices/used-prices.js';
import { columnNames, type Columns, unnested } from './column-batch.js';
import { type CallRow, NOT_KNOWN, type ReuseRow } from './ledger-rows.js';
import type { LedgerStore, PricesUsedStore, ProcessProgress } from './ledger-store.js';
import type { LedgerTables } from './ledger-tables.js';

const REQUEST = {
  process_id: 'uuid',
  tenant: 'text',
  key_id: 'text',
  client: 'text',
  user_id: 'text',
  cliente_id: 'text',
  campana_id: 'text',
  segmento: 'text',
  route: 'text',
  provider: 'text',
  model: 'text',
  identity: 'text',
  simulated: 'boolean',
} as const;

const PRICED = {
  answered_model: 'text',
  response_id: 'text',
  service_tier: 'text',
  price_version: 'text',
  unpriced_because: 'text',
} as const;

const INTENT: Columns<CallRow> = {
  id: 'uuid',
  ...REQUEST,
  cause: 'text',
  request_id: 'text',
  started_at: 'timestamptz',
  status: 'text',
};

const SETTLED: Columns<CallRow> = {
  status: 'text',
  ended_at: 'timestamptz',
  http_status: 'integer',
  ...PRICED,
  usage: 'jsonb',
  provider_input_tokens: 'bigint',
  provider_cached_input_tokens: 'bigint',
  provider_output_tokens: 'bigint',
  provider_reasoning_tokens: 'bigint',
  spent_nano_usd: 'bigint',
};

const CALL: Columns<CallRow> = { ...INTENT, ...SETTLED };

const REUSE: Columns<ReuseRow> = {
  ...REQUEST,
  sequence: 'bigint',
  hits: 'integer',
  reused_at: 'timestamptz',
  kind: 'text',
  part: 'boolean',
  request_ids: 'text',
  ages_seconds: 'text',
  after_ms: 'text',
  usage: 'jsonb',
  ...PRICED,
  replayed_input_tokens: 'bigint',
  replayed_cached_input_tokens: 'bigint',
  replayed_output_tokens: 'bigint',
  replayed_reasoning_tokens: 'bigint',
  avoided_nano_usd: 'bigint',
};

/** `unnest` would flatten lists of lists: a line's own travel as text. */
const LISTS: Readonly<Record<string, RawBuilder<unknown>>> = {
  request_ids: sql`string_to_array(line.request_ids, E'\\n', ${sql.lit(NOT_KNOWN)})`,
  ages_seconds: sql`string_to_array(line.ages_seconds, ',', ${sql.lit(NOT_KNOWN)})::integer[]`,
  after_ms: sql`string_to_array(line.after_ms, ',')::bigint[]`,
};
const REUSE_VALUES = sql.join(Object.keys(REUSE).map((name) => LISTS[name] ?? sql.ref(`line.${name}`)));

/**
 * Always true. A server that is set up to acknowledge before its log is on disk (`synchronous_commit = off`) does not do so for
 * this transaction: a call may be paid for the moment its intent is acknowledged.
 */
const ACKNOWLEDGED_IS_DURABLE = `(
  select case current_setting('synchronous_commit')
    when 'off' then set_config('synchronous_commit', 'local', true) else 'as it is'
  end
) is not null`;

/** What the store needs of `Database`; two lanes, so that a large report cannot keep an intent from a connection. */
export interface LedgerDatabase {
  as<Tables>(): Kysely<Tables>;
  readonly awaited: { run(statement: Statement, values: readonly unknown[]): Promise<void> };
}

/**
 * The ledger's tables, a batch as one statement.
 *
 * A statement serves lines of many requests: it runs outside the context (deadline, trace) of the request that started it.
 */
export class PostgresLedgerStore implements LedgerStore, PricesUsedStore {
  readonly #lines: Kysely<LedgerTables>;
  readonly #awaited: LedgerDatabase['awaited'];
  readonly #outsideOfRequests = AsyncLocalStorage.snapshot();

  constructor(database: LedgerDatabase) {
    this.#lines = database.as<LedgerTables>();
    this.#awaited = database.awaited;
  }

  writeIntents(rows: readonly CallRow[]): Promise<void> {
    return this.#outsideOfRequests(() => this.#insertIntents(rows));
  }

  writeCalls(rows: readonly CallRow[]): Promise<void> {
    return this.#outsideOfRequests(() => upsertCalls(this.#lines, rows));
  }

  eraseCalls(ids: readonly string[]): Promise<void> {
    return this.#outsideOfRequests(() => deleteCalls(this.#lines, ids));
  }

  writePricesUsed(prices: readonly Price[]): Promise<void> {
    return this.#outsideOfRequests(() => insertPricesUsed(this.#lines, prices));
  }

  writeReuse(rows: readonly ReuseRow[], progress: ProcessProgress): Promise<void> {
    return this.#outsideOfRequests(() => insertReuse(this.#lines, rows, progress));
  }

  #insertIntents(rows: readonly CallRow[]): Promise<void> {
    // A call that begins alone, as most do, has a statement without lists: PostgreSQL takes a third less time for it.
    if (rows.length === 1) return this.#awaited.run(ONE_INTENT, oneIntent(rows[0] as CallRow));
    const { sql: text, parameters } = insertIntents(rows).compile(this.#lines);
    return this.#awaited.run({ name: 'ledger-intents', text }, parameters);
  }
}

const INTENT_NAMES = Object.keys(INTENT) as (keyof typeof INTENT & keyof CallRow)[];

const ONE_INTENT: Statement = {
  name: 'ledger-intent',
  text: `
    insert into ledger_calls (${INTENT_NAMES.join(', ')})
    select ${INTENT_NAMES.map((name, at) => `$${at + 1}::${INTENT[name]}`).join(', ')}
    where ${ACKNOWLEDGED_IS_DURABLE}
    on conflict (id) do nothing`,
};

function oneIntent(row: CallRow): unknown[] {
  return INTENT_NAMES.map((name) => row[name]);
}

async function insertPricesUsed(db: Kysely<LedgerTables>, prices: readonly Price[]): Promise<void> {
  const rows = prices.map((price) => ({
    version: price.version,
    provider: price.provider,
    model: price.model,
    tier: price.tier,
    effective_from: price.effectiveFrom.toISOString().slice(0, 10),
    price: JSON.stringify(writtenPrice(price)),
  }));
  await db
    .insertInto('ledger_prices_used')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function insertIntents(rows: readonly CallRow[]): RawBuilder<unknown> {
  return sql`
    insert into ledger_calls (${columnNames(INTENT)})
    select ${columnNames(INTENT)} from ${unnested(rows, INTENT)}
    where ${sql.raw(ACKNOWLEDGED_IS_DURABLE)}
    order by id
    on conflict (id) do nothing`;
}

/**
 * Rows are written in the order of their ids, so that two statements that share lines (one may still run in a server that did
 * not answer in time) wait for each other and never in a circle.
 */
async function upsertCalls(db: Kysely<LedgerTables>, rows: readonly CallRow[]): Promise<void> {
  const settled = Object.keys(SETTLED).map((name) => sql`${sql.ref(name)} = excluded.${sql.ref(name)}`);
  await sql`
    insert into ledger_calls (${columnNames(CALL)})
    select ${columnNames(CALL)} from ${unnested(rows, CALL)}
    where ${sql.raw(ACKNOWLEDGED_IS_DURABLE)}
    order by id
    on conflict (id) do update set ${sql.join(settled)}
    where ledger_calls.status in ('intent', 'unknown') and excluded.status <> 'intent'
  `.execute(db);
}

async function deleteCalls(db: Kysely<LedgerTables>, ids: readonly string[]): Promise<void> {
  await sql`
    delete from ledger_calls where id in (
      select id from ledger_calls where id = any(${ids}::uuid[]) and status in ('intent', 'unknown') order by id for update
    )
  `.execute(db);
}

/** The lines and the word of the process that it has written them are one statement. */
async function insertReuse(
  db: Kysely<LedgerTables>,
  rows: readonly ReuseRow[],
  progress: ProcessProgress,
): Promise<void> {
  await sql`
    with lines as (
      insert into ledger_reuse (${columnNames(REUSE)})
      select ${REUSE_VALUES} from ${unnested(rows, REUSE)}
      where ${sql.raw(ACKNOWLEDGED_IS_DURABLE)}
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
