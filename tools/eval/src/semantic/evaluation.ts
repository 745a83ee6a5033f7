/** What the runs come to, beside the best that a static threshold could do. */
import { FORMS, lowerBound, upperBound } from '@promptsales/semantics';
import { clustersOf, designEffect, effectOn, pooledEffect } from './clusters.js';
import type { LabelledPair } from './pairs.js';
import { runThrough, type Run } from './prequential.js';
import { bestStaticThreshold, type StaticBest } from './static-threshold.js';

/** Hits, and how many of them were wrong. */
export interface Hits {
  readonly hits: number;
  readonly wrong: number;
  /** Null where nothing was served: then it is not known. */
  readonly wrongShare: number | null;
  /** So many independent hits they are worth; what follows is for these. */
  readonly effective: number;
  /** Clopper and Pearson, two-sided 95 %. */
  readonly interval: readonly [number, number];
  /** One-sided 95 %. */
  readonly upper: number;
}

/** Of the questions that were asked, with the two-sided 95 % interval for as many independent ones as they are worth. */
export interface HitRate {
  readonly rate: number;
  readonly interval: readonly [number, number];
}

export interface SeedResult extends Hits {
  readonly seed: number;
  readonly hitRate: HitRate;
  readonly fresh: Hits;
  readonly audited: number;
  readonly firstHitAfter: number | null;
}

/** A cache that serves whatever is as similar as that. */
export interface StaticResult extends Hits, Pick<StaticBest, 'threshold'> {
  readonly hitRate: HitRate;
}

export interface DeltaResult {
  readonly delta: number;
  readonly seeds: readonly SeedResult[];
  /** Over all orders: this is what is judged. */
  readonly all: Hits;
  /** Of these, hits on wordings that had not been compared before. */
  readonly fresh: Hits;
  readonly distinct: number;
  /** The mean of the orders, no surer than the least sure of them. How far they lie apart is theirs to say. */
  readonly hitRate: HitRate;
  /** Chosen with all labels at hand. */
  readonly staticAtDelta: StaticResult | null;
  /** At the share of wrong hits of all orders. */
  readonly staticAtEqualError: StaticResult | null;
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
  const effects = runs.map((run) => hitEffect(pairs, clusters, run.served));
  return {
    delta,
    hitRate: hitRateOf(served.length / runs.length, pairs.length, Math.max(...effects)),
    seeds: runs.map(({ served: its, fresh: new_, audited, firstAt }, at) => ({
      ...hitsOf(its, designEffect(its, clusters)),
      seed: at + 1,
      hitRate: hitRateOf(its.length, pairs.length, effects[at] as number),
      fresh: hitsOf(new_, designEffect(new_, clusters)),
      audited,
      firstHitAfter: firstAt,
    })),
    all,
    fresh: hitsOf(fresh, pooledEffect(fresh, clusters)),
    distinct: new Set(served).size,
    staticAtDelta: staticResult(pairs, clusters, delta),
    staticAtEqualError: staticResult(pairs, clusters, all.wrongShare ?? 0),
  };
}

function staticResult(
  pairs: readonly LabelledPair[],
  clusters: ReadonlyMap<string, string>,
  share: number,
): StaticResult | null {
  const best = bestStaticThreshold(pairs, share);
  if (best === null) return null;
  const served = pairs.filter(({ similarity }) => similarity >= best.threshold);
  return {
    threshold: best.threshold,
    hitRate: hitRateOf(served.length, pairs.length, hitEffect(pairs, clusters, served)),
    ...hitsOf(served, designEffect(served, clusters)),
  };
}

function hitEffect(
  pairs: readonly LabelledPair[],
  clusters: ReadonlyMap<string, string>,
  served: readonly LabelledPair[],
): number {
  const hits = new Set(served);
  return effectOn(pairs, clusters, (pair) => hits.has(pair));
}

function hitRateOf(hits: number, asked: number, effect: number): HitRate {
  const effective = Math.floor(asked / effect);
  const [fewest, most] = [Math.floor(hits / effect), Math.ceil(hits / effect)];
  return {
    rate: hits / asked,
    interval: [lowerBound(fewest, effective, TWO_SIDED), upperBound(most, effective, TWO_SIDED)],
  };
}

/** @param effect by which they are worth less than so many independent ones */
function hitsOf(served: readonly LabelledPair[], effect: number): Hits {
  const hits = served.length;
  const wrong = served.filter(({ same }) => !same).length;
  const effective = Math.floor(hits / effect);
  const [fewest, most] = [Math.floor(wrong / effect), Math.ceil(wrong / effect)];
  return {
    hits,
    wrong,
    wrongShare: hits === 0 ? null : wrong / hits,
    effective,
    interval: [lowerBound(fewest, effective, TWO_SIDED), upperBound(most, effective, TWO_SIDED)],
    upper: upperBound(most, effective, CONFIDENCE),
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
