import type { Evaluation, Hits } from './evaluation.js';
import type { StaticBest } from './static-threshold.js';

const COLUMNS = [
  'δ',
  'seed',
  'hits',
  'hit rate',
  'wrong',
  'wrong hits',
  '95 % interval',
  'upper 95 %',
  'new',
  'wrong new',
  '',
];
const WIDTHS = [6, 5, 6, 9, 6, 11, 16, 11, 6, 10, 11];

export function reportOf({ pairs, same, deltas, strata }: Evaluation): string {
  const lines = [
    `${pairs} labelled pairs, ${same} of them the same; each asks its second question of a cache that holds the answer to its first.`,
    'Prequential: each decision is made before its label is known, and only what was not served is learnt from. A seed is an order',
    'of the pairs. Bounds are exact (Clopper and Pearson), for hits that hang together, and for a pair that is served in several',
    'orders, as for fewer. What is judged is the line of all orders. “new”: hits on wordings that nothing had been compared with;',
    'the others were known to ask the same by way of other wordings, and their own answer is taken to be gone from the exact tier.',
    'Unknown (no hits) is not zero.',
    '',
    row(COLUMNS),
  ];
  for (const { delta, seeds, all, fresh, distinct, staticAtDelta, staticAtEqualError } of deltas) {
    for (const one of seeds) {
      lines.push(row([percent(delta), String(one.seed), ...cells(one, pairs), ...freshCells(one.fresh), '']));
    }
    const orders = all.hits / Math.max(1, seeds.length);
    lines.push(
      row([percent(delta), 'all', ...cells(all, pairs * seeds.length), ...freshCells(fresh), verdict(all, delta)]),
      `       ${distinct} distinct pairs, worth ${all.effective} independent hits; ${orders.toFixed(0)} hits an order`,
      `       new wordings by themselves: ${alone(fresh, delta)}`,
      `       static threshold, best in hindsight: at δ ${text(staticAtDelta, pairs)}; at our error ${text(staticAtEqualError, pairs)}`,
    );
  }
  lines.push('', 'All pairs that nothing speaks against, by the form in which they are one sentence:');
  for (const { name, hits, wrong, wrongShare, interval, upper } of strata) {
    const share = wrongShare === null ? 'unknown' : percent(wrongShare);
    const bounds = `95 % interval ${percent(interval[0])}–${percent(interval[1])}, upper 95 % ${percent(upper)}`;
    lines.push(`  ${name.padEnd(23)} ${String(hits).padStart(5)} pairs, ${wrong} different (${share}; ${bounds})`);
  }
  return lines.join('\n');
}

function cells({ hits, wrong, wrongShare, interval, upper }: Hits, asked: number): string[] {
  return [
    String(hits),
    percent(hits / asked),
    String(wrong),
    wrongShare === null ? 'unknown' : percent(wrongShare),
    `${percent(interval[0])}–${percent(interval[1])}`,
    percent(upper),
  ];
}

function freshCells({ hits, wrong }: Hits): string[] {
  return [String(hits), hits === 0 ? 'unknown' : String(wrong)];
}

function verdict({ hits, upper }: Hits, delta: number): string {
  if (hits === 0) return 'unknown';
  return upper <= delta ? 'δ shown' : 'not shown';
}

function alone(fresh: Hits, delta: number): string {
  if (fresh.wrongShare === null) return 'no hits, unknown';
  const { hits, wrongShare, effective, upper } = fresh;
  return `${hits} hits, ${percent(wrongShare)} wrong, worth ${effective}, upper ${percent(upper)}: ${verdict(fresh, delta)}`;
}

function text(best: StaticBest | null, pairs: number): string {
  if (best === null) return 'no hits';
  const { hits, wrong, threshold } = best;
  return `${hits} hits (${percent(hits / pairs)}), ${wrong} wrong, similarity ≥ ${threshold.toFixed(3)}`;
}

function row(columns: readonly string[]): string {
  return columns
    .map((cell, at) => cell.padStart(WIDTHS[at] ?? 8))
    .join(' ')
    .trimEnd();
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
