/** A line of the ledger as it is exported: what was counted, at which rates, and what that makes, so that it can be computed again. */
import { ratesFor } from '../prices/cost.js';
import { formatUsd } from '../prices/money.js';
import { amountsOf } from '../prices/used-prices.js';
import { type Price, TOKEN_CLASSES, type TokenClass } from '../prices/price-table.js';
import type { Usage } from './ledger.js';

/** A line as PostgreSQL gives it; 64-bit numbers are text. */
export interface StoredLine {
  readonly kind: 'call' | 'hit';
  readonly id: string;
  readonly at: Date;
  readonly ended_at: Date | null;
  /** Of a call how it ended, of a hit how it came about. */
  readonly outcome: string;
  readonly cause: string | null;
  /** Of hits: only a part of the answers came so, and the lines of calls count the requests. */
  readonly part: boolean;
  /** How many hits the line stands for. */
  readonly hits: number;
  /** The requests that it answers, as far as their ids are known; of hits one for each receipt. */
  readonly request_ids: readonly (string | null)[];
  /** Of the answer at each of these hits. */
  readonly ages_seconds: readonly (number | null)[];
  readonly http_status: number | null;
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
  readonly answered_model: string | null;
  readonly service_tier: string | null;
  readonly response_id: string | null;
  readonly identity: string;
  readonly simulated: boolean;
  /** Of all hits of the line together; see `usage`. */
  readonly input_tokens: string | null;
  readonly cached_input_tokens: string | null;
  readonly output_tokens: string | null;
  readonly reasoning_tokens: string | null;
  /** Every class of one answer; of a hit null where no class was counted but the four above. */
  readonly usage: Usage | null;
  readonly nano_usd: string | null;
  readonly price_version: string | null;
  readonly unpriced_because: string | null;
}

/** The classes in which an answer was counted. Totals: `input_tokens` holds all other input, `output_tokens` all other output. */
export const COUNTED = [
  ['input_tokens', 'inputTokens'],
  ['cached_input_tokens', 'cachedInputTokens'],
  ['cache_write_5m_tokens', 'cacheWrite5mTokens'],
  ['cache_write_1h_tokens', 'cacheWrite1hTokens'],
  ['audio_input_tokens', 'audioInputTokens'],
  ['image_input_tokens', 'imageInputTokens'],
  ['output_tokens', 'outputTokens'],
  ['reasoning_tokens', 'reasoningTokens'],
  ['audio_output_tokens', 'audioOutputTokens'],
  ['image_output_tokens', 'imageOutputTokens'],
] as const satisfies readonly (readonly [string, keyof Usage])[];

export type LineCounts = Readonly<Record<(typeof COUNTED)[number][0], number | null>>;

/** Of one answer, whatever the number of hits. */
export function countsOfLine(line: StoredLine): LineCounts {
  const each = (sum: string | null): number | null => (sum === null ? null : Number(BigInt(sum) / BigInt(line.hits)));
  const four: Partial<Usage> = {
    inputTokens: each(line.input_tokens),
    cachedInputTokens: each(line.cached_input_tokens),
    outputTokens: each(line.output_tokens),
    reasoningTokens: each(line.reasoning_tokens),
  };
  const usage = line.usage ?? four;
  return Object.fromEntries(COUNTED.map(([name, member]) => [name, usage[member] ?? null])) as LineCounts;
}

/** USD for a million tokens by class, as it held for this very line; empty where the line has no price. */
export function amountsOfLine(line: StoredLine, price: Price | null): Readonly<Record<string, string>> {
  if (price === null) return {};
  return amountsOf(ratesFor(price, countsOfLine(line).input_tokens ?? 0));
}

/** What an image of this line cost, where images are what was counted. */
export function amountOfImage(line: StoredLine, price: Price | null): string | null {
  const perImage = imagesOfLine(line) === null ? null : (price?.nanoPerImage ?? null);
  return perImage === null ? null : formatUsd(perImage);
}

/** Of one answer; null where images are not what was counted. */
export function imagesOfLine({ usage }: StoredLine): number | null {
  return usage?.images ?? null;
}

/** Every name of `exportedLine`, in its order; the same in each line. */
export const EXPORTED_NAMES: readonly string[] = [
  'kind',
  'id',
  'at',
  'ended_at',
  'outcome',
  'cause',
  'part',
  'hits',
  'request_ids',
  'ages_seconds',
  'http_status',
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
  'answered_model',
  'service_tier',
  'response_id',
  'identity',
  'simulated',
  ...COUNTED.map(([name]) => name),
  'images',
  ...TOKEN_CLASSES.map(rateName),
  'usd_per_image',
  'price_version',
  'spent_nano_usd',
  'avoided_nano_usd',
  'unpriced_because',
];

export type ExportedLine = Readonly<
  Record<string, string | number | boolean | null | readonly (string | number | null)[]>
>;

export function exportedLine(line: StoredLine, price: Price | null): ExportedLine {
  const { usage: _usage, nano_usd: nanoUsd, at, ended_at: endedAt, ...members } = line;
  const amounts = amountsOfLine(line, price);
  const rates = Object.fromEntries(TOKEN_CLASSES.map((name) => [rateName(name), amounts[name] ?? null]));
  return {
    ...members,
    ...countsOfLine(line),
    images: imagesOfLine(line),
    ...rates,
    usd_per_image: amountOfImage(line, price),
    at: at.toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
    spent_nano_usd: line.kind === 'call' ? nanoUsd : null,
    avoided_nano_usd: line.kind === 'hit' ? nanoUsd : null,
  };
}

function rateName(tokenClass: TokenClass): string {
  return `usd_per_million_${tokenClass}`;
}
