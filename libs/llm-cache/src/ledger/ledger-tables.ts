import type { ColumnType } from 'kysely';
import type { PriceTables } from '../prices/price-tables.js';

/** 64-bit columns: written as decimal text, read as the text that PostgreSQL gives. */
type Big = ColumnType<string, string | number, string | number>;
type Moment = ColumnType<Date, Date | string, Date | string>;

interface RequestTable {
  process_id: string;
  tenant: string;
  key_id: string;
  client: string;
  user_id: string | null;
  cliente_id: string | null;
  campana_id: string | null;
  segmento: string | null;
  route: string;
  provider: string;
  model: string;
  identity: string;
  simulated: boolean;
  answered_model: string | null;
  response_id: string | null;
  service_tier: string | null;
  price_version: string | null;
  unpriced_because: string | null;
}

/** One row per upstream call. What it cost and what the provider counted; nothing here was avoided. */
export interface LedgerCallsTable extends RequestTable {
  id: string;
  cause: string;
  started_at: Moment;
  status: string;
  ended_at: Moment | null;
  http_status: number | null;
  request_id: string | null;
  /** Every class that the provider counted, as `Usage`. */
  usage: unknown;
  provider_input_tokens: Big | null;
  provider_cached_input_tokens: Big | null;
  provider_output_tokens: Big | null;
  provider_reasoning_tokens: Big | null;
  spent_nano_usd: Big | null;
}

/**
 * Answers that needed no call: a row for those that one caller had of one answer within half a second. What they would have
 * cost and what was replayed, added up; nothing here was spent.
 */
export interface LedgerReuseTable extends RequestTable {
  sequence: Big;
  hits: number;
  /** Of the first. */
  reused_at: Moment;
  kind: string;
  /** These answers came so in part only; the lines of their calls count the requests. */
  part: boolean;
  /** The receipts of the hits, in one order; fewer than `hits` where there was no room for all. */
  request_ids: (string | null)[];
  ages_seconds: (number | null)[];
  after_ms: number[];
  /** Of one hit, as `Usage`, where any class was counted that has no column. */
  usage: unknown;
  replayed_input_tokens: Big | null;
  replayed_cached_input_tokens: Big | null;
  replayed_output_tokens: Big | null;
  replayed_reasoning_tokens: Big | null;
  avoided_nano_usd: Big | null;
}

/** One row per run of a process that writes to the ledger. */
export interface LedgerProcessesTable {
  id: string;
  started_at: Moment;
  last_seen_at: Moment;
  hits_reserved: Big;
  hits_issued: Big;
  hits_written: Big;
  hits_dropped: Big;
  clean_shutdown_at: Moment | null;
}

export interface LedgerTables extends PriceTables {
  ledger_calls: LedgerCallsTable;
  ledger_reuse: LedgerReuseTable;
  ledger_processes: LedgerProcessesTable;
}
