/**
 * The lowest score from which answers may be served, such that their share of wrong ones is at most δ.
 *
 * Learn then Test (Angelopoulos et al., arXiv 2110.01052) with a fixed sequence: each candidate threshold is a hypothesis, "of
 * what scores at least this, more than δ is wrong", that an exact binomial test has to refute. They are tested from the
 * highest score down, each at the whole error of the test, and the first that is not refuted ends it. So at most
 * `1 − confidence` is the chance that any of those which pass should not have: that takes a first false one that passes.
 *
 * Candidates are set by how many observations they cover, not by what these say. The first covers so many that it bears
 * one wrong answer, as far as there are as many.
 *
 * The observations must be ones whose scores did not depend on their outcome. What was served is not among them (nobody
 * knows whether it was right), audits of would-be hits are. So low scores are observed more often than they are asked
 * for, which makes the tested share larger than the one among what will be served as long as a higher score is not more
 * often wrong.
 */
import { fewestClean, shows } from './binomial.js';

/** Observed scores, in any order. */
export interface Scores {
  readonly right: Float64Array;
  readonly wrong: Float64Array;
}

/** Each candidate covers so many times what the one before it covers. */
const STEP = 1.25;
/** So many times as many as show it without a wrong one show it with one, for small shares. */
const WITH_ONE_WRONG = 1.59;

/** Null: there is no score from which serving is known to keep δ. */
export function thresholdFor({ right, wrong }: Scores, delta: number, confidence: number): number | null {
  const total = right.length + wrong.length;
  const rising = new Float64Array(total);
  rising.set(right);
  rising.set(wrong, right.length);
  rising.sort();
  const risingWrong = wrong.toSorted();
  const fewest = fewestClean(delta, confidence);
  if (total < fewest) return null;
  const least = Math.min(total, Math.ceil(fewest * WITH_ONE_WRONG));
  let best: number | null = null;
  for (const from of candidates(rising, least)) {
    const score = rising[from] as number;
    if (!shows(delta, risingWrong.length - firstFrom(risingWrong, score), total - from, confidence)) break;
    best = score;
  }
  return best;
}

/** The places from which on there are at least so many, falling. The last is that of all. */
function candidates(rising: Float64Array, least: number): number[] {
  const total = rising.length;
  const counts: number[] = [];
  for (let count = total; count >= least; count = Math.floor(count / STEP)) counts.unshift(count);
  const places: number[] = [];
  for (const count of counts) {
    const score = rising[total - count] as number;
    // All of equal score are in or out together: once without them, once with them.
    for (const from of [firstFrom(rising, nextAbove(score)), firstFrom(rising, score)]) {
      if (total - from >= least && from < (places.at(-1) ?? total)) places.push(from);
    }
  }
  return places;
}

function nextAbove(score: number): number {
  return score + Math.max(Number.MIN_VALUE, Math.abs(score) * Number.EPSILON);
}

/** The place of the first that is at least `score`. */
function firstFrom(rising: Float64Array, score: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < score) low = middle + 1;
    else high = middle;
  }
  return low;
}
