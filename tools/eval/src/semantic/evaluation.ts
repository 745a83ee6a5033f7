/** What the runs come to, beside the best that a static threshold could do. */
import { FORMS, lowerBound, upperBound } from '@promptsales/semantics';
import { clustersOf, designEffect, pooledEffect } from './clusters.js';
import type { LabelledPair } from './pairs.js';
import { runThrough, type Run } from './prequential.js';
import { bestStaticThreshold, type StaticBest } from './static-threshold.js';

/** Hits, and how many of them were wrong. */
export interface Hits {
  readonly hits: number;
  readonly wrong: number;
  /** Null where nothing was served: then it is not known. */
  readonly wrongShare: number | null;
  /** Clopper and Pearson, two-sided 95 %. */
  readonly interval: readonly [number, number];
  /** One-sided 95 %, for so many independent hits as they are worth. */
  readonly effective: number;
  readonly upper: number;
}

export interface SeedResult extends Hits {
  readonly seed: number;
  readonly fresh: Hits;
  readonly audited: number;
  readonly firstHitAfter: number | null;
}

export interface DeltaResult {
  readonly delta: number;
  readonly seeds: readonly SeedResult[];
  /** Over all orders: this is what is judged. */
  readonly all: Hits;
  /** Of these, hits on wordings that had not been compared before. */
  readonly fresh: Hits;
  readonly distinct: number;
  /** Chosen with all labels at hand. */
  readonly staticAtDelta: StaticBest | null;
  /** At the share of wrong hits of all orders. */
  readonly staticAtEqualError: StaticBest | null;
}

/** All pairs of one form that nothing speaks against: what new wordings have to be judged by. */
export interface Stratum extends Hits {
  readonly name: string;
}

export interface Evaluation {
  readonly pairs: number;
  readonly same: number;
  readonly deltas: readonly DeltaResult[];
  readonly strata: readonly Stratum[];
}

const DELTAS = [0.005, 0.01, 0.02, 0.05];
const CONFIDENCE = 0.95;
const SIMILARITIES = [0.98, 0.95, 0.9];
const TWO_SIDED = 1 - (1 - CONFIDENCE) / 2;
/** As the gateway has them by default. */
const AS_SHIPPED = { auditShare: 0.02, exploreShare: 1, window: 50_000, confidence: 0.95 };

export function evaluate(pairs: readonly LabelledPair[], seeds: number): Evaluation {
  const clusters = clustersOf(pairs);
  return {
    pairs: pairs.length,
    same: pairs.filter(({ same }) => same).length,
    deltas: DELTAS.map((delta) => {
      const orders = Array.from({ length: seeds }, (_, at) =>
        runThrough(pairs, { ...AS_SHIPPED, delta, seed: at + 1 }),
      );
      return resultOf(pairs, clusters, delta, orders);
    }),
    strata: strataOf(pairs, clusters),
  };
}

function resultOf(
  pairs: readonly LabelledPair[],
  clusters: ReadonlyMap<string, string>,
  delta: number,
  runs: readonly Run[],
): DeltaResult {
  const served = runs.flatMap((run) => run.served);
  const fresh = runs.flatMap((run) => run.fresh);
  const all = hitsOf(served, pooledEffect(served, clusters));
  return {
    delta,
    seeds: runs.map(({ served: its, fresh: new_, audited, firstAt }, at) => ({
      ...hitsOf(its, designEffect(its, clusters)),
      seed: at + 1,
      fresh: hitsOf(new_, designEffect(new_, clusters)),
      audited,
      firstHitAfter: firstAt,
    })),
    all,
    fresh: hitsOf(fresh, pooledEffect(fresh, clusters)),
    distinct: new Set(served).size,
    staticAtDelta: bestStaticThreshold(pairs, delta),
    staticAtEqualError: bestStaticThreshold(pairs, all.wrongShare ?? 0),
  };
}

/** @param effect by which they are worth less than so many independent ones */
function hitsOf(served: readonly LabelledPair[], effect: number): Hits {
  const hits = served.length;
  const wrong = served.filter(({ same }) => !same).length;
  const effective = Math.floor(hits / effect);
  return {
    hits,
    wrong,
    wrongShare: hits === 0 ? null : wrong / hits,
    interval: [lowerBound(wrong, hits, TWO_SIDED), upperBound(wrong, hits, TWO_SIDED)],
    effective,
    upper: upperBound(Math.ceil(wrong / effect), effective, CONFIDENCE),
  };
}

function strataOf(pairs: readonly LabelledPair[], clusters: ReadonlyMap<string, string>): Stratum[] {
  const free = pairs.filter(({ candidate: { objected, reserved } }) => !objected && !reserved);
  const stratum = (name: string, its: readonly LabelledPair[]): Stratum => ({
    name,
    ...hitsOf(its, designEffect(its, clusters)),
  });
  const formless = free.filter(({ candidate }) => candidate.form === null);
  return [
    ...FORMS.map((form) =>
      stratum(
        form,
        free.filter(({ candidate }) => candidate.form === form),
      ),
    ),
    ...SIMILARITIES.map((least) =>
      stratum(
        `none, similarity ≥ ${least}`,
        formless.filter(({ similarity }) => similarity >= least),
      ),
    ),
  ];
}
