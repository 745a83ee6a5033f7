import { type Cost, costOf } from '../prices/cost.js';
import type { Prices } from '../prices/price-table.js';
import type { CallFacts, CallOutcome, HitFacts, RequestFacts, Usage } from './ledger.js';

/**
 * Lines as PostgreSQL takes them: the property names are the column names. Whatever a client or an upstream said is made
 * storable here (text without NUL and lone surrogates and of bounded length, counts that are counts), so that one hostile
 * value cannot fail the batch that it travels in.
 */
interface RequestColumns {
  readonly process_id: string;
  readonly tenant: string;
  readonly key_id: string;
  readonly client: string;
  readonly user_id: string | null;
  readonly cliente_id: string | null;
  readonly campana_id: string | null;
  readonly segmento: string | null;
  readonly route: string;
  readonly provider: string;
  readonly model: string;
  readonly identity: string;
  readonly simulated: boolean;
}

interface PricedColumns {
  readonly answered_model: string | null;
  readonly response_id: string | null;
  readonly service_tier: string | null;
  readonly price_version: string | null;
  readonly unpriced_because: string | null;
}

export type CallStatus = 'intent' | CallOutcome['status'];

/** A call's line in its present state; an intent has none of the columns that settling adds. */
export interface CallRow extends RequestColumns, Partial<PricedColumns> {
  readonly id: string;
  readonly cause: string;
  readonly request_id: string | null;
  readonly started_at: string;
  readonly status: CallStatus;
  readonly ended_at?: string;
  readonly http_status?: number | null;
  readonly provider_input_tokens?: number | null;
  readonly provider_cached_input_tokens?: number | null;
  readonly provider_output_tokens?: number | null;
  readonly provider_reasoning_tokens?: number | null;
  readonly usage?: Usage | null;
  readonly spent_nano_usd?: string | null;
}

export interface ReuseRow extends RequestColumns, PricedColumns {
  readonly sequence: number;
  /** How many hits the line stands for. */
  readonly hits: number;
  /** When the first of them came. */
  readonly reused_at: string;
  readonly kind: string;
  readonly part: boolean;
  /** Of each hit that has a receipt, in one order: the ids separated by line breaks, the numbers by commas. */
  readonly request_ids: string;
  readonly ages_seconds: string;
  readonly after_ms: string;
  /** Of one hit; null where no class was counted but those that have columns. */
  readonly usage: Usage | null;
  readonly replayed_input_tokens: number | null;
  readonly replayed_cached_input_tokens: number | null;
  readonly replayed_output_tokens: number | null;
  readonly replayed_reasoning_tokens: number | null;
  readonly avoided_nano_usd: string | null;
}

/** Hits of one answer for one caller in the buffer, and what of each stands on its receipt, in one order. */
export interface BufferedHits {
  /** Number of the first. */
  readonly sequence: number;
  /** When the first came, in milliseconds of the epoch. */
  readonly at: number;
  /** What was said of the first; of the others all but the receipt is the same. */
  readonly hit: HitFacts;
  /** May be more than there are receipts. */
  hits: number;
  readonly requestIds: (string | null)[];
  readonly agesSeconds: (number | null)[];
  /** Milliseconds after the first. */
  readonly afterMs: number[];
}

export function intentRow(processId: string, id: string, facts: CallFacts, startedAt: Date): CallRow {
  return {
    ...requestColumns(processId, facts),
    id,
    cause: facts.cause ?? 'request',
    request_id: optionalText(facts.requestId),
    started_at: startedAt.toISOString(),
    status: 'intent',
  };
}

export function settledRow(intent: CallRow, outcome: CallOutcome, endedAt: Date, prices: Prices): CallRow {
  const usage = refused(outcome) ? NOTHING_USED : storableUsage(outcome.usage);
  const priced = price(prices, intent, outcome.model, outcome.serviceTier, new Date(intent.started_at), usage);
  const cost = refused(outcome) ? FREE : priced.cost;
  return {
    ...intent,
    status: outcome.status,
    ended_at: endedAt.toISOString(),
    http_status: whole(outcome.httpStatus, 999),
    ...pricedColumns(outcome.model, outcome.responseId, outcome.serviceTier, cost, priced.version),
    provider_input_tokens: usage?.inputTokens ?? null,
    provider_cached_input_tokens: usage?.cachedInputTokens ?? null,
    provider_output_tokens: usage?.outputTokens ?? null,
    provider_reasoning_tokens: usage?.reasoningTokens ?? null,
    usage,
    spent_nano_usd: cost.nanoUsd?.toString() ?? null,
  };
}

export function reuseRow(processId: string, buffered: BufferedHits, prices: Prices): ReuseRow {
  const { hit, hits } = buffered;
  const at = new Date(buffered.at);
  const usage = storableUsage(hit.usage);
  const request = requestColumns(processId, hit);
  const { cost, version } = price(prices, request, hit.answeredModel, hit.serviceTier, at, usage);
  const times = (tokens: number | null | undefined): number | null =>
    whole(tokens === null ? null : (tokens ?? NaN) * hits);
  return {
    ...request,
    sequence: buffered.sequence,
    hits,
    reused_at: at.toISOString(),
    kind: hit.kind,
    part: hit.part ?? false,
    request_ids: buffered.requestIds.map(receiptId).join('\n'),
    ages_seconds: buffered.agesSeconds.map((age) => whole(age, 2 ** 31 - 1) ?? NOT_KNOWN).join(','),
    after_ms: buffered.afterMs.join(','),
    usage: usage !== null && hasFurtherClasses(usage) ? usage : null,
    ...pricedColumns(hit.answeredModel, hit.responseId, hit.serviceTier, cost, version),
    replayed_input_tokens: times(usage?.inputTokens),
    replayed_cached_input_tokens: times(usage?.cachedInputTokens),
    replayed_output_tokens: times(usage?.outputTokens),
    replayed_reasoning_tokens: times(usage?.reasoningTokens),
    avoided_nano_usd: cost.nanoUsd === null ? null : (cost.nanoUsd * BigInt(hits)).toString(),
  };
}

function hasFurtherClasses(usage: Usage): boolean {
  return (
    (usage.cacheWrite5mTokens ?? 0) > 0 ||
    (usage.cacheWrite1hTokens ?? 0) > 0 ||
    (usage.audioInputTokens ?? 0) > 0 ||
    (usage.imageInputTokens ?? 0) > 0 ||
    (usage.audioOutputTokens ?? 0) > 0 ||
    (usage.imageOutputTokens ?? 0) > 0 ||
    typeof usage.images === 'number' ||
    usage.billedBeside === true
  );
}

const FREE: Cost = { nanoUsd: 0n, unpricedBecause: null };

const NOTHING_USED: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  imageInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
};

/**
 * A request that the provider turned away with a 4xx was not billed, and that is known. A 5xx, a time-out on the way (408,
 * 499) or no answer at all may have been: its cost is unknown.
 */
function refused(outcome: CallOutcome): boolean {
  const status = outcome.httpStatus;
  return (
    outcome.status === 'failed' &&
    outcome.usage === null &&
    status !== null &&
    status >= 400 &&
    status < 500 &&
    status !== 408 &&
    status !== 499
  );
}

/** Asked by the names that the line will have: the price is written down under them, and found by them again. */
function price(
  prices: Prices,
  { tenant, provider, model: asked }: RequestColumns,
  answeredModel: string | null,
  serviceTier: string | null | undefined,
  at: Date,
  usage: Usage | null,
): { cost: Cost; version: string | null } {
  const model = optionalText(answeredModel) ?? asked;
  const found = prices.of({ tenant, provider, model, asked, serviceTier: optionalText(serviceTier), at });
  return { cost: costOf(usage, found), version: found?.version ?? null };
}

function pricedColumns(
  answeredModel: string | null,
  responseId: string | null | undefined,
  serviceTier: string | null | undefined,
  cost: Cost,
  version: string | null,
): PricedColumns {
  return {
    answered_model: optionalText(answeredModel),
    response_id: optionalText(responseId),
    service_tier: optionalText(serviceTier),
    price_version: cost.nanoUsd === null ? null : version,
    unpriced_because: cost.unpricedBecause,
  };
}

function requestColumns(processId: string, facts: RequestFacts): RequestColumns {
  return {
    process_id: processId,
    tenant: text(facts.tenant),
    key_id: text(facts.keyId),
    client: text(facts.client),
    user_id: optionalText(facts.userId),
    cliente_id: optionalText(facts.clienteId),
    campana_id: optionalText(facts.campanaId),
    segmento: optionalText(facts.segmento),
    route: text(facts.route),
    provider: text(facts.provider),
    model: text(facts.model),
    identity: text(facts.identity),
    simulated: facts.simulated,
  };
}

function storableUsage(usage: Usage | null): Usage | null {
  if (usage === null) return null;
  return {
    inputTokens: whole(usage.inputTokens),
    cachedInputTokens: whole(usage.cachedInputTokens),
    cacheWrite5mTokens: whole(usage.cacheWrite5mTokens),
    cacheWrite1hTokens: whole(usage.cacheWrite1hTokens),
    audioInputTokens: whole(usage.audioInputTokens),
    imageInputTokens: whole(usage.imageInputTokens),
    outputTokens: whole(usage.outputTokens),
    reasoningTokens: whole(usage.reasoningTokens),
    audioOutputTokens: whole(usage.audioOutputTokens),
    imageOutputTokens: whole(usage.imageOutputTokens),
    ...(typeof usage.images === 'number' ? { images: whole(usage.images) } : {}),
    ...(usage.billedBeside === true ? { billedBeside: true } : {}),
  };
}

function whole(value: number | null | undefined, most: number = Number.MAX_SAFE_INTEGER): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most ? value : null;
}

/** Stands in a list for what nobody said. */
export const NOT_KNOWN = '-';

const PLAIN_ID = /^[\x20-\x7e]{2,128}$/;

function receiptId(id: string | null): string {
  if (id === null) return NOT_KNOWN;
  return PLAIN_ID.test(id) ? id : text(id).replaceAll('\n', ' ');
}

const MOST_CHARACTERS = 512;

function text(value: string): string {
  const bounded = value.length > MOST_CHARACTERS ? value.slice(0, MOST_CHARACTERS) : value;
  if (bounded.isWellFormed() && !bounded.includes('\0')) return bounded;
  return bounded.toWellFormed().replaceAll('\0', '\uFFFD');
}

function optionalText(value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : text(value);
}
