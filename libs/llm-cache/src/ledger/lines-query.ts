/** Lines one by one, in pages: neither a connection nor a snapshot is held while a slow reader reads. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { isStandardTier, type Price, PriceTable } from '../prices/price-table.js';
import type { PriceTables } from '../prices/price-tables.js';
import type { StoredLine } from './ledger-line.js';
import type { LedgerTables } from './ledger-tables.js';
import { type SavingsSpan, within } from './savings-query.js';

const SHARED = sql`
  request_ids, ages_seconds, http_status, tenant, key_id, client, user_id, cliente_id, campana_id, segmento, route, provider,
  model, answered_model, service_tier, response_id, identity, simulated, input_tokens, cached_input_tokens, output_tokens,
  reasoning_tokens, usage, nano_usd, price_version, unpriced_because`;

/** Both sides with the same columns. */
const CALLS = sql`(
  select 'call' as kind, id::text as id, id as place, 0::bigint as sequence, started_at as at, ended_at, status as outcome, cause, false as part, 1 as hits,
    case when request_id is null then '{}' else array[request_id] end as request_ids, '{}'::integer[] as ages_seconds,
    http_status, tenant, key_id, client, user_id, cliente_id, campana_id, segmento,
    route, provider, model, answered_model, service_tier, response_id, identity, simulated,
    provider_input_tokens as input_tokens, provider_cached_input_tokens as cached_input_tokens,
    provider_output_tokens as output_tokens, provider_reasoning_tokens as reasoning_tokens, usage,
    spent_nano_usd as nano_usd, price_version, unpriced_because
  from ledger_calls
) as line`;

const HITS = sql`(
  select 'hit' as kind, process_id::text || ':' || sequence as id, process_id as place, sequence, reused_at as at,
    null::timestamptz as ended_at, kind as outcome, null as cause, part, hits, request_ids, ages_seconds, after_ms,
    null::integer as http_status,
    tenant, key_id, client, user_id, cliente_id, campana_id, segmento, route, provider, model, answered_model, service_tier,
    response_id, identity, simulated, replayed_input_tokens as input_tokens,
    replayed_cached_input_tokens as cached_input_tokens, replayed_output_tokens as output_tokens,
    replayed_reasoning_tokens as reasoning_tokens, usage, avoided_nano_usd as nano_usd, price_version, unpriced_because
  from ledger_reuse
) as line`;

const LINE = sql`kind, id, at, ended_at, outcome, cause, part, hits, ${SHARED}`;

/** `exact_at` is text: a `Date` would lose the microseconds by which a page goes on. */
interface Placed extends StoredLine {
  readonly exact_at: string;
  readonly place: string;
  readonly sequence: string;
}

/** Calls in the order of their beginning. */
export function callsIn(db: Kysely<LedgerTables>, span: SavingsSpan, page: number): AsyncGenerator<StoredLine[]> {
  return linesIn(db, CALLS, span, page);
}

/** Hits in the order of their moment. */
export function hitsIn(db: Kysely<LedgerTables>, span: SavingsSpan, page: number): AsyncGenerator<StoredLine[]> {
  return linesIn(db, HITS, span, page);
}

const FIRST_WINDOW_MS = 60 * 60_000;
const LEAST_WINDOW_MS = 1_000;

/**
 * A page is looked for in a window of time: without a tenant only the time is indexed, and by blocks, so that each page of a long span
 * would otherwise read and sort all that is left of it. The window is fitted to what was found in the one before.
 */
async function* linesIn(
  db: Kysely<LedgerTables>,
  lines: RawBuilder<unknown>,
  span: SavingsSpan,
  page: number,
): AsyncGenerator<StoredLine[]> {
  let windowMs = FIRST_WINDOW_MS;
  let from = span.from;
  let after: RawBuilder<unknown> = sql`true`;
  while (from < span.to) {
    const to = new Date(Math.min(from.getTime() + windowMs, span.to.getTime()));
    const { rows } = await sql<Placed>`
      select ${LINE}, place, sequence, at::text as exact_at from ${lines}
      where ${within({ ...span, from, to }, 'at')} and ${after} order by at, place, sequence limit ${page}
    `.execute(db);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < page) {
      from = to;
      after = sql`true`;
      windowMs *= 2;
    } else {
      windowMs = Math.max(LEAST_WINDOW_MS, 2 * (last.at.getTime() - from.getTime()));
      from = last.at;
      after = sql`(at, place, sequence) > (${last.exact_at}::timestamptz, ${last.place}::uuid, ${last.sequence}::bigint)`;
    }
  }
}

export interface LineSearch {
  /** One tenant's lines, or everybody's. */
  readonly tenant: string | null;
  readonly from: Date;
  readonly to: Date;
}

/** The call that was made for this request. */
export function callOfRequest(
  db: Kysely<LedgerTables>,
  search: LineSearch,
  requestId: string,
): Promise<StoredLine | null> {
  return latest(db, CALLS, search, sql`${requestId} = any(request_ids) and cause <> 'refresh'`);
}

/** The call that made this answer. */
export function callOfAnswer(
  db: Kysely<LedgerTables>,
  search: LineSearch,
  responseId: string,
): Promise<StoredLine | null> {
  return latest(db, CALLS, search, sql`response_id = ${responseId}`);
}

/** The line on which the hit of this request stands. */
export function hitOfRequest(db: Kysely<LedgerTables>, search: LineSearch, requestId: string): Promise<HitLine | null> {
  return latest<HitLine>(db, HITS, search, sql`${requestId} = any(request_ids)`, sql`, after_ms`);
}

/** The last line of hits of this answer. */
export function hitOfAnswer(db: Kysely<LedgerTables>, search: LineSearch, responseId: string): Promise<HitLine | null> {
  return latest<HitLine>(db, HITS, search, sql`response_id = ${responseId}`, sql`, after_ms`);
}

export interface HitLine extends StoredLine {
  /** Milliseconds after `at`, for each of `request_ids`. */
  readonly after_ms: readonly (number | string)[];
}

async function latest<Line extends StoredLine>(
  db: Kysely<LedgerTables>,
  lines: RawBuilder<unknown>,
  { tenant, from, to }: LineSearch,
  condition: RawBuilder<unknown>,
  further: RawBuilder<unknown> = sql``,
): Promise<Line | null> {
  const { rows } = await sql<Line>`
    select ${LINE} ${further} from ${lines}
    where ${condition} and ${within({ tenant, from, to, simulated: null }, 'at')}
    order by at desc limit 1
  `.execute(db);
  return rows[0] ?? null;
}

/** The prices by which lines were made, looked up once for each version. */
export class PricesOfLines {
  readonly #db: Kysely<PriceTables>;
  readonly #tables = new Map<string, PriceTable>();

  constructor(db: Kysely<PriceTables>) {
    this.#db = db;
  }

  async load(lines: readonly StoredLine[]): Promise<void> {
    const missing = new Set<string>();
    for (const { price_version: version } of lines) {
      if (version !== null && !this.#tables.has(version)) missing.add(version);
    }
    if (missing.size === 0) return;
    const rows = await this.#db
      .selectFrom('ledger_prices_used')
      .selectAll()
      .where('version', 'in', [...missing])
      .execute();
    for (const version of missing) {
      const files = rows
        .filter((row) => row.version === version)
        .map(({ provider, model, tier, effective_from: from, price }) => ({
          provider,
          version,
          source: '',
          prices: [{ models: [model], tier, effective_from: from, ...price }],
        }));
      this.#tables.set(version, new PriceTable(files));
    }
  }

  /** Of a line that was loaded; null where it has no price. */
  of({
    price_version: version,
    provider,
    answered_model: answered,
    model,
    service_tier: tier,
    at,
  }: StoredLine): Price | null {
    if (version === null) return null;
    const standard = tier === null || isStandardTier(tier) ? null : tier;
    return this.#tables.get(version)?.find(provider, answered ?? model, standard, at) ?? null;
  }
}
