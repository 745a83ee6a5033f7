import { type Kysely, sql } from 'kysely';
import { dayOf } from './ledger-day.js';

const REQUEST_COLUMNS = sql`
  process_id uuid not null,
  tenant text not null,
  key_id text not null,
  client text not null,
  user_id text,
  cliente_id text,
  campana_id text,
  segmento text,
  route text not null,
  provider text not null,
  model text not null,
  identity text not null,
  simulated boolean not null,
  answered_model text,
  response_id text,
  service_tier text,
  price_version text,
  unpriced_because text`;

/**
 * No foreign key leads from lines to processes: a line that was spooled must be writable whatever came before it.
 * Reports read a span of time, of one tenant (B-tree) or of all (BRIN: the rows lie in the order of time anyway). Statistics
 * tell the planner that there are few days; otherwise it takes every line for a day of its own and adds up in one process.
 */
async function createLedger(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table ledger_calls (
      id uuid primary key,
      cause text not null,
      started_at timestamptz not null,
      status text not null check (status in ('intent', 'completed', 'failed', 'aborted', 'unknown')),
      ended_at timestamptz,
      http_status integer,
      usage jsonb,
      provider_input_tokens bigint check (provider_input_tokens >= 0),
      provider_cached_input_tokens bigint check (provider_cached_input_tokens >= 0),
      provider_output_tokens bigint check (provider_output_tokens >= 0),
      provider_reasoning_tokens bigint check (provider_reasoning_tokens >= 0),
      spent_nano_usd bigint check (spent_nano_usd >= 0),
      ${REQUEST_COLUMNS},
      check (spent_nano_usd is null or status not in ('intent', 'unknown'))
    )`.execute(db);
  await sql`create index ledger_calls_by_tenant on ledger_calls (tenant, started_at)`.execute(db);
  await sql`create index ledger_calls_by_time on ledger_calls using brin (started_at)`.execute(db);
  await sql`create statistics ledger_calls_days on (${dayOf('started_at')}) from ledger_calls`.execute(db);
  await sql`create index ledger_calls_open on ledger_calls (process_id) where status = 'intent'`.execute(db);

  await sql`
    create table ledger_reuse (
      sequence bigint not null,
      hits integer not null check (hits > 0),
      reused_at timestamptz not null,
      kind text not null,
      request_id text,
      age_seconds integer,
      replayed_input_tokens bigint check (replayed_input_tokens >= 0),
      replayed_cached_input_tokens bigint check (replayed_cached_input_tokens >= 0),
      replayed_output_tokens bigint check (replayed_output_tokens >= 0),
      replayed_reasoning_tokens bigint check (replayed_reasoning_tokens >= 0),
      avoided_nano_usd bigint check (avoided_nano_usd >= 0),
      ${REQUEST_COLUMNS},
      primary key (process_id, sequence)
    )`.execute(db);
  await sql`create index ledger_reuse_by_tenant on ledger_reuse (tenant, reused_at)`.execute(db);
  await sql`create index ledger_reuse_by_time on ledger_reuse using brin (reused_at)`.execute(db);
  await sql`create statistics ledger_reuse_days on (${dayOf('reused_at')}) from ledger_reuse`.execute(db);

  await sql`
    create table ledger_processes (
      id uuid primary key,
      started_at timestamptz not null,
      last_seen_at timestamptz not null,
      hits_reserved bigint not null,
      hits_issued bigint not null,
      hits_written bigint not null,
      hits_dropped bigint not null,
      clean_shutdown_at timestamptz
    )`.execute(db);
}

/** A line holds the hits that one caller had of one answer within half a second, with the receipt of each. */
async function keepReceiptsInLists(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table ledger_reuse
      add column request_ids text[] not null default '{}',
      add column ages_seconds integer[] not null default '{}',
      add column after_ms bigint[] not null default '{}'`.execute(db);
  await sql`
    update ledger_reuse set request_ids = array[request_id], ages_seconds = array[age_seconds], after_ms = '{0}'
    where hits = 1`.execute(db);
  await sql`alter table ledger_reuse drop column request_id, drop column age_seconds`.execute(db);
}

/**
 * What it takes to compute every line again: prices as they were used, and the classes of a hit beyond the four that have columns.
 * A request is found by its id and its time, for which the index by time is enough; an answer's id has no time, so the call that
 * made it has an index of its own. There is none for hits, which are written too often to pay for it.
 */
async function completeLines(db: Kysely<unknown>): Promise<void> {
  await sql`alter table ledger_calls add column request_id text`.execute(db);
  await sql`alter table ledger_reuse add column usage jsonb`.execute(db);
  await sql`
    create index ledger_calls_by_response on ledger_calls (response_id) where response_id is not null`.execute(db);
  await sql`
    create table ledger_prices_used (
      version text not null,
      provider text not null,
      model text not null,
      tier text not null,
      effective_from text not null,
      price jsonb not null,
      primary key (version, provider, model, tier, effective_from)
    )`.execute(db);
  await sql`
    create table ledger_prices (
      provider text not null,
      model text not null,
      tier text not null,
      effective_from text not null,
      price jsonb not null,
      revision bigint not null,
      primary key (provider, model, tier, effective_from)
    )`.execute(db);
  await sql`create table ledger_price_clock (revision bigint not null)`.execute(db);
  await sql`insert into ledger_price_clock values (0)`.execute(db);
}

/** A request that was answered in part is counted by its call. */
async function tellPartsApart(db: Kysely<unknown>): Promise<void> {
  await sql`alter table ledger_reuse add column part boolean not null default false`.execute(db);
}

export const ledgerMigrations = {
  library: 'ledger',
  migrations: {
    '0001_create_ledger': { up: createLedger },
    '0002_keep_receipts_in_lists': { up: keepReceiptsInLists },
    '0003_complete_lines': { up: completeLines },
    '0004_tell_parts_apart': { up: tellPartsApart },
  },
};
