/** What the runs say, beside the best that a static threshold could do, in figures and in words. */
import { lowerBound, upperBound } from '@promptsales/semantics';
import { clustersOf, designEffect } from './clusters.js';
import type { LabelledPair } from './pairs.js';
import { runThrough } from './prequential.js';
import { bestStaticThreshold, type StaticBest } from './static-threshold.js';

export interface SeedResult {
  readonly seed: number;
  readonly hits: number;
  readonly wrong: number;
  /** Null where nothing was served: then it is not known. */
  readonly wrongShare: number | null;
  /** Clopper and Pearson: two-sided 95 %, then one-sided 95 %, then that for the effective number of independent hits. */
  readonly interval: readonly [number, number];
  readonly upper: number;
  readonly upperClustered: number;
  readonly knownHits: number;
  readonly audited: number;
  readonly firstHitAfter: number | null;
}

export interface DeltaResult {
  readonly delta: number;
  readonly seeds: readonly SeedResult[];
  /** Chosen with all labels at hand. */
  readonly staticAtDelta: StaticBest | null;
  /** At the largest share of wrong hits that any seed had: no less favourable to the static threshold than an equal error. */
  readonly staticAtEqualError: StaticBest | null;
}

export interface Evaluation {
  readonly pairs: number;
  readonly same: number;
  readonly identical: { readonly pairs: number; readonly labelledDifferent: number };
  readonly deltas: readonly DeltaResult[];
}

const DELTAS = [0.005, 0.01, 0.02, 0.05];
const CONFIDENCE = 0.95;
/** As the gateway has them by default. */
const AS_SHIPPED = { auditShare: 0.02, exploreShare: 1, window: 50_000, confidence: 0.95 };

export function evaluate(pairs: readonly LabelledPair[], seeds: number): Evaluation {
  const clusters = clustersOf(pairs);
  const identical = pairs.filter(({ candidate: { features } }) => features[SAME_WORDS] === 1);
  return {
    pairs: pairs.length,
    same: pairs.filter(({ same }) => same).length,
    identical: { pairs: identical.length, labelledDifferent: identical.filter(({ same }) => !same).length },
    deltas: DELTAS.map((delta) => {
      const results = Array.from({ length: seeds }, (_, at) => oneSeed(pairs, clusters, delta, at + 1));
      const worst = Math.max(0, ...results.map(({ wrongShare }) => wrongShare ?? 0));
      return {
        delta,
        seeds: results,
        staticAtDelta: bestStaticThreshold(pairs, delta),
        staticAtEqualError: bestStaticThreshold(pairs, worst),
      };
    }),
  };
}

/** The place of `same words` among the features of a text. */
const SAME_WORDS = 5;

function oneSeed(
  pairs: readonly LabelledPair[],
  clusters: ReadonlyMap<string, string>,
  delta: number,
  seed: number,
): SeedResult {
  const { served, known, audited, firstAt } = runThrough(pairs, { ...AS_SHIPPED, delta, seed });
  const wrong = served.filter(({ same }) => !same).length;
  const hits = served.length;
  const effect = designEffect(served, clusters);
  const effective = Math.floor(hits / effect);
  return {
    seed,
    hits,
    wrong,
    wrongShare: hits === 0 ? null : wrong / hits,
    interval: [lowerBound(wrong, hits, TWO_SIDED), upperBound(wrong, hits, TWO_SIDED)],
    upper: upperBound(wrong, hits, CONFIDENCE),
    upperClustered: upperBound(Math.ceil(wrong / effect), effective, CONFIDENCE),
    knownHits: known,
    audited,
    firstHitAfter: firstAt,
  };
}

const TWO_SIDED = 1 - (1 - CONFIDENCE) / 2;

export function reportOf({ pairs, same, identical, deltas }: Evaluation): string {
  const lines = [
    `${pairs} labelled pairs, ${same} of them the same; each asks its second question of a cache that holds the answer to its first.`,
    `Of ${identical.pairs} pairs in the same words, ${identical.labelledDifferent} are labelled different: no rule does better on new wordings than these labels.`,
    'Prequential: each decision is made before its label is known, and only what was not served is learnt from. A seed is an order.',
    'Bounds are exact (Clopper and Pearson); the clustered one counts hits on questions that hang together as fewer. “known”: hits',
    'on wordings that earlier comparisons had shown to ask the same, by way of other wordings. The exact tier answers those, too, as',
    'long as it has their own answer: here it is taken to be gone. Unknown (no hits) is not zero.',
    '',
    row([
      'δ',
      'seed',
      'hits',
      'hit rate',
      'wrong',
      'wrong hits',
      '95 % interval',
      'upper 95 %',
      'clustered',
      'known',
      'kept',
    ]),
  ];
  for (const { delta, seeds, staticAtDelta, staticAtEqualError } of deltas) {
    for (const one of seeds) {
      lines.push(
        row([
          percent(delta),
          String(one.seed),
          String(one.hits),
          percent(one.hits / pairs),
          String(one.wrong),
          one.wrongShare === null ? 'unknown' : percent(one.wrongShare),
          `${percent(one.interval[0])}–${percent(one.interval[1])}`,
          percent(one.upper),
          percent(one.upperClustered),
          String(one.knownHits),
          one.hits === 0 ? 'unknown' : one.upperClustered <= delta ? 'shown' : 'not shown',
        ]),
      );
    }
    lines.push(
      `     static threshold, best in hindsight: at δ ${text(staticAtDelta, pairs)}; at our worst seed’s error ${text(staticAtEqualError, pairs)}`,
    );
  }
  return lines.join('\n');
}

function text(best: StaticBest | null, pairs: number): string {
  if (best === null) return 'no hits';
  const { hits, wrong, threshold } = best;
  return `${hits} hits (${percent(hits / pairs)}), ${wrong} wrong, similarity ≥ ${threshold.toFixed(3)}`;
}

const WIDTHS = [6, 5, 6, 9, 6, 11, 16, 11, 10, 6, 9];

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padStart(WIDTHS[at] ?? 8)).join(' ');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
