import type { Asked } from './ask.js';
import type { Round } from './round.js';
import type { SavingsAmount, SavingsTotal, UpstreamCounts } from './running-platform.js';

/** The nearest-rank quantile; null of nothing. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(2)} ms`);
const times = (values: readonly number[]): string =>
  `p50 ${ms(quantile(values, 0.5)).padStart(10)}   p99 ${ms(quantile(values, 0.99)).padStart(10)}`;
const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
const hits = (asked: readonly Asked[]): readonly Asked[] => asked.filter((one) => one.cache === 'HIT');

export interface Result {
  readonly rounds: readonly Round[];
  /** What reached the provider in each round, by the independent count; null where nobody counts. */
  readonly reached: readonly (UpstreamCounts | null)[];
  readonly ledger: SavingsTotal;
  /** Answers that differ from the first round's answer to the same question. */
  readonly different: number;
  readonly simulated: boolean;
}

/** One line of the receipt that must hold. */
export interface Check {
  readonly what: string;
  /** Null: cannot be known here. */
  readonly holds: boolean | null;
}

export function checks({ rounds, reached, ledger, different }: Result): readonly Check[] {
  const [first, ...repeats] = rounds;
  const [firstReached, ...laterReached] = reached;
  const repeated = repeats.flatMap((one) => one.asked);
  const upstream = firstReached ?? null;
  const later = laterReached.reduce<number | null>(
    (sum, one) => (sum === null || one === null ? null : sum + one.requests),
    0,
  );
  return [
    { what: 'every repeat is a hit', holds: repeated.every((one) => one.cache === 'HIT') },
    { what: 'no repeat reached the provider', holds: later === null ? null : later === 0 },
    {
      what: 'the first round reached it once for each question',
      holds: upstream && upstream.requests === first?.asked.length,
    },
    { what: 'every repeat, in either form, says what the first answer said', holds: different === 0 },
    {
      what: 'the ledger’s upstream calls are those that were counted',
      holds: upstream && ledger.upstream_calls === upstream.requests,
    },
    {
      what: 'the ledger’s spent input tokens are those that were counted',
      holds: upstream && ledger.spent.input_tokens === upstream.inputTokens,
    },
    {
      what: 'the ledger’s spent output tokens are those that were counted',
      holds: upstream && ledger.spent.output_tokens === upstream.outputTokens,
    },
    { what: 'the ledger has every hit', holds: ledger.hits === repeated.length },
  ];
}

export function receipt(result: Result): string {
  const { rounds, reached, ledger, simulated } = result;
  const all = rounds.flatMap((one) => one.asked);
  const hit = hits(all);
  const missed = all.filter((one) => one.cache === 'MISS');
  const lines = [
    '',
    `  requests            ${all.length}`,
    `  upstream calls      ${reached.every((one) => one !== null) ? reached.reduce((sum, one) => sum + one.requests, 0) : 'not counted here'}`,
    `  hit rate            ${((100 * hit.length) / all.length).toFixed(2)} %`,
    '',
    `  misses, client      ${times(missed.map((one) => one.clientMs))}`,
    `  misses, server      ${times(known(missed.map((one) => one.serverMs)))}`,
    ...rounds
      .slice(1)
      .map((one) => `  ${`hits, ${one.name}`.padEnd(38)} client  ${times(hits(one.asked).map((a) => a.clientMs))}`),
    ...rounds
      .slice(1)
      .map(
        (one) => `  ${`hits, ${one.name}`.padEnd(38)} server  ${times(known(hits(one.asked).map((a) => a.serverMs)))}`,
      ),
    '',
    `  spent               ${money(ledger.spent)}${simulated ? '   (simulated)' : ''}`,
    `  avoided             ${money(ledger.avoided)}${simulated ? '   (simulated)' : ''}`,
    `  without a price     ${ledger.unpriced_requests}`,
    '',
    ...checks(result).map(({ what, holds }) => `  ${holds === null ? '?' : holds ? '✓' : '✗'} ${what}`),
  ];
  return lines.join('\n');
}

function money({ usd, input_tokens, output_tokens }: SavingsAmount): string {
  return `${usd === null ? 'unknown' : `$${usd}`}   ${input_tokens ?? 'unknown'} input and ${output_tokens ?? 'unknown'} output tokens`;
}
