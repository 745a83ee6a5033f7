import type { DeltaResult, Evaluation, HitRate, Hits, StaticResult } from './evaluation.js';

const SUMMARY = ['δ', 'cache', 'hit rate', '95 % interval', 'wrong hits', '95 % interval', 'upper 95 %', ''];
const SUMMARY_WIDTHS = [6, 35, 9, 16, 11, 16, 11, 10];
const ORDERS = [
  'δ',
  'order',
  'hits',
  'hit rate',
  'wrong',
  'wrong hits',
  '95 % interval',
  'upper 95 %',
  'new',
  'wrong new',
];
const ORDER_WIDTHS = [6, 6, 6, 9, 6, 11, 16, 11, 6, 10];

export function reportOf({ pairs, same, deltas, strata }: Evaluation): string {
  return [
    `${pairs} labelled pairs, ${same} of them the same; each asks its second question of a cache that holds the answer to its first.`,
    'Prequential: each decision is made before its label is known, and only what was not served is learnt from, in several orders of',
    'the pairs. Static: what serves whatever is as similar as the threshold that is the best for these pairs, chosen with all their',
    'labels at hand, as nobody can who runs one. Bounds are exact (Clopper and Pearson), for as many independent questions or hits as',
    'those are worth that hang together or were served in several orders. δ is shown where the upper bound is within it. Hit rates are',
    'means of the orders, which may lie far apart: see below. Unknown (no hits) is not zero.',
    '',
    row(SUMMARY, SUMMARY_WIDTHS),
    ...deltas.flatMap(summaryOf),
    '',
    'Order by order. “new”: hits on wordings that nothing had been compared with; the others were known to ask the same by way of',
    'other wordings, and their own answer is taken to be gone from the exact tier.',
    '',
    row(ORDERS, ORDER_WIDTHS),
    ...deltas.flatMap(ordersOf),
    '',
    'All pairs that nothing speaks against, by the form in which they are one sentence:',
    ...strata.map(({ name, ...hits }) => {
      const bounds = `95 % interval ${span(hits.interval)}, upper 95 % ${percent(hits.upper)}`;
      const { hits: pairsOfForm, wrong } = hits;
      return `  ${name.padEnd(23)} ${String(pairsOfForm).padStart(5)} pairs, ${wrong} different (${wrongShare(hits)}; ${bounds})`;
    }),
  ].join('\n');
}

function summaryOf({ delta, all, hitRate, staticAtDelta, staticAtEqualError }: DeltaResult): string[] {
  const line = (at: string, cache: string, rate: HitRate, hits: Hits, more: string): string =>
    row(
      [
        at,
        cache,
        percent(rate.rate),
        span(rate.interval),
        wrongShare(hits),
        span(hits.interval),
        percent(hits.upper),
        more,
      ],
      SUMMARY_WIDTHS,
    );
  const fixed = (what: string, best: StaticResult | null): string =>
    best === null
      ? row(['', `static, ${what}`, 'no hits'], SUMMARY_WIDTHS)
      : line('', `static ≥ ${best.threshold.toFixed(3)}, ${what}`, best.hitRate, best, '');
  return [
    line(percent(delta), 'semantic tier', hitRate, all, verdict(all, delta)),
    fixed('best at δ', staticAtDelta),
    fixed('best at this error', staticAtEqualError),
  ];
}

function ordersOf({ delta, seeds, all, fresh, distinct }: DeltaResult): string[] {
  const cells = (hits: Hits, rate: number, its: Hits): string[] => [
    String(hits.hits),
    percent(rate),
    String(hits.wrong),
    wrongShare(hits),
    span(hits.interval),
    percent(hits.upper),
    String(its.hits),
    its.hits === 0 ? 'unknown' : String(its.wrong),
  ];
  return [
    ...seeds.map((one) =>
      row([percent(delta), String(one.seed), ...cells(one, one.hitRate.rate, one.fresh)], ORDER_WIDTHS),
    ),
    `       ${distinct} distinct pairs in all orders, worth ${all.effective} independent hits; on new wordings ${alone(fresh, delta)}`,
  ];
}

function wrongShare({ wrongShare: share }: Hits): string {
  return share === null ? 'unknown' : percent(share);
}

function verdict({ hits, upper }: Hits, delta: number): string {
  if (hits === 0) return 'unknown';
  return upper <= delta ? 'δ shown' : 'not shown';
}

function alone(fresh: Hits, delta: number): string {
  if (fresh.wrongShare === null) return 'no hits, unknown';
  const { hits, effective, upper } = fresh;
  return `${hits} hits, ${wrongShare(fresh)} wrong, worth ${effective}, upper ${percent(upper)}: ${verdict(fresh, delta)}`;
}

function row(columns: readonly string[], widths: readonly number[]): string {
  return columns
    .map((cell, at) => cell.padStart(widths[at] ?? 8))
    .join(' ')
    .trimEnd();
}

function span([from, to]: readonly [number, number]): string {
  return `${percent(from)}–${percent(to)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
