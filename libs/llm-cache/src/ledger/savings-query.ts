import { type Kysely, type RawBuilder, sql } from 'kysely';
import { dayOf } from './ledger-day.js';
import type { LedgerTables } from './ledger-tables.js';
import type { GroupSum, SavingsGroup, SideSum } from './savings-report.js';

export interface SavingsSpan {
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
  /** One tenant's lines, or everybody's. */
  readonly tenant: string | null;
  /** Only simulated lines, only real ones, or both. */
  readonly simulated: boolean | null;
}

/** A row as the driver gives it: 64-bit sums are text. */
interface SumRow {
  /** Of the group among all; null: of all groups together. */
  place: string | null;
  /** How many there are, where it is of all. */
  groups: string | null;
  side: 'calls' | 'reuse';
  key: string | null;
  count: string;
  requests: string;
  partial: string;
  coalesced: string;
  simulated: string;
  any_simulated: boolean;
  unpriced: string;
  unsettled: string;
  unknown: string;
  nano_usd: string | null;
  input_tokens: string | null;
  cached_input_tokens: string | null;
  output_tokens: string | null;
  reasoning_tokens: string | null;
}

const MOST_GROUPS = 1_000;

const KEYS: Readonly<Record<Exclude<SavingsGroup, 'day'>, string>> = {
  model: 'model',
  client: 'client',
  route: 'route',
  campaign: 'campana_id',
  tenant: 'tenant',
};

export interface SavingsSums {
  /** Days in their order, everything else by the number of requests; as many as were asked for. */
  readonly groups: readonly GroupSum[];
  readonly groupsLeftOut: number;
  /** Of all groups. */
  readonly total: GroupSum;
}

/**
 * Both sides of one moment: it is one statement. Callers name what is grouped by, so there may be as many groups as requests: they are
 * counted, ordered and added up where they are, and only the first come over.
 */
export async function readSavings(
  db: Kysely<LedgerTables>,
  span: SavingsSpan,
  group: SavingsGroup,
  most = MOST_GROUPS,
): Promise<SavingsSums> {
  const { rows } = await sql<SumRow>`
    with sums as materialized (
      select 'calls' as side, ${shown(group, keyOf(group, 'started_at'))} as key,
        count(*) as count,
        count(*) filter (where cause = 'request') as requests,
        0::bigint as partial,
        0::bigint as coalesced,
        count(*) filter (where simulated) as simulated,
        bool_or(simulated) as any_simulated,
        count(*) filter (where spent_nano_usd is null) as unpriced,
        count(*) filter (where status = 'intent') as unsettled,
        count(*) filter (where status = 'unknown') as unknown,
        sum(spent_nano_usd) as nano_usd,
        sum(provider_input_tokens) as input_tokens,
        sum(provider_cached_input_tokens) as cached_input_tokens,
        sum(provider_output_tokens) as output_tokens,
        sum(provider_reasoning_tokens) as reasoning_tokens
      from ledger_calls where ${within(span, 'started_at')} group by ${keyOf(group, 'started_at')}
      union all
      select 'reuse', ${shown(group, keyOf(group, 'reused_at'))},
        sum(hits),
        coalesce(sum(hits) filter (where not part), 0),
        coalesce(sum(hits) filter (where part), 0),
        coalesce(sum(hits) filter (where kind = 'coalesced' and not part), 0),
        coalesce(sum(hits) filter (where simulated and not part), 0),
        bool_or(simulated),
        coalesce(sum(hits) filter (where avoided_nano_usd is null), 0),
        0,
        0,
        sum(avoided_nano_usd),
        sum(replayed_input_tokens),
        sum(replayed_cached_input_tokens),
        sum(replayed_output_tokens),
        sum(replayed_reasoning_tokens)
      from ledger_reuse where ${within(span, 'reused_at')} group by ${keyOf(group, 'reused_at')}
    ),
    by_group as (select key, sum(requests) as requests from sums group by key),
    first as materialized (
      select key, row_number() over (order by ${group === 'day' ? sql`` : sql`requests desc,`} key collate "C" nulls first) as place
      from by_group order by place limit ${most}
    )
    select sums.*, place, null::bigint as groups
    from first join sums on coalesce(first.key, '') = coalesce(sums.key, '') and (first.key is null) = (sums.key is null)
    union all
    select side, null, sum(count), sum(requests), sum(partial), sum(coalesced), sum(simulated), bool_or(any_simulated), sum(unpriced),
      sum(unsettled), sum(unknown), sum(nano_usd), sum(input_tokens), sum(cached_input_tokens), sum(output_tokens),
      sum(reasoning_tokens), null, (select count(*) from by_group)
    from sums group by side
    order by place
  `.execute(db);
  const groups = new Map<string | null, GroupSum>();
  let total: GroupSum = { key: null, calls: null, reuse: null };
  let found = 0;
  for (const row of rows) {
    if (row.place === null) {
      total = { ...total, [row.side]: sumOf(row) };
      found = Number(row.groups);
    } else {
      const known = groups.get(row.key) ?? { key: row.key, calls: null, reuse: null };
      groups.set(row.key, { ...known, [row.side]: sumOf(row) });
    }
  }
  return { groups: [...groups.values()], groupsLeftOut: found - groups.size, total };
}

/**
 * How many hits processes that ended without saying so may have taken with them: what they had reserved less what they had
 * written; and what processes had to drop. A process counts in the span in which it was last seen, give or take a heartbeat.
 */
export async function readLostAtMost(
  db: Kysely<LedgerTables>,
  span: SavingsSpan,
  goneAfterMs: number,
): Promise<number> {
  const gone = sql`clean_shutdown_at is null and last_seen_at < now() - make_interval(secs => ${goneAfterMs / 1000})`;
  const { rows } = await sql<{ lost: string | null }>`
    select sum(case when ${gone} then hits_reserved - hits_written else hits_dropped end) as lost
    from ledger_processes
    where last_seen_at >= ${span.from}::timestamptz - interval '10 seconds' and started_at < ${span.to}::timestamptz
  `.execute(db);
  return Number(rows[0]?.lost ?? 0);
}

function keyOf(group: SavingsGroup, moment: string): RawBuilder<unknown> {
  return group === 'day' ? dayOf(moment) : sql.ref(KEYS[group]);
}

function shown(group: SavingsGroup, key: RawBuilder<unknown>): RawBuilder<unknown> {
  return group === 'day' ? sql`to_char(${key} at time zone 'UTC', 'YYYY-MM-DD')` : key;
}

export function within(span: SavingsSpan, moment: string): RawBuilder<unknown> {
  const conditions = [
    sql`${sql.ref(moment)} >= ${span.from}::timestamptz`,
    sql`${sql.ref(moment)} < ${span.to}::timestamptz`,
  ];
  if (span.tenant !== null) conditions.push(sql`tenant = ${span.tenant}`);
  if (span.simulated !== null) conditions.push(sql`simulated = ${span.simulated}`);
  return sql.join(conditions, sql` and `);
}

function sumOf(row: SumRow): SideSum {
  return {
    key: row.key,
    count: Number(row.count),
    requests: Number(row.requests),
    partial: Number(row.partial),
    coalesced: Number(row.coalesced),
    simulated: Number(row.simulated),
    anySimulated: row.any_simulated,
    unpriced: Number(row.unpriced),
    unsettled: Number(row.unsettled),
    unknown: Number(row.unknown),
    nanoUsd: row.nano_usd === null ? null : BigInt(row.nano_usd),
    inputTokens: numberOrNull(row.input_tokens),
    cachedInputTokens: numberOrNull(row.cached_input_tokens),
    outputTokens: numberOrNull(row.output_tokens),
    reasoningTokens: numberOrNull(row.reasoning_tokens),
  };
}

function numberOrNull(sum: string | null): number | null {
  return sum === null ? null : Number(sum);
}
