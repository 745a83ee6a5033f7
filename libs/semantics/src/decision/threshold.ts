/**
 * The lowest score from which answers may be served, such that their share of wrong ones is at most δ.
 *
 * Learn then Test (Angelopoulos et al., arXiv 2110.01052): each candidate threshold is a hypothesis, "of what scores at
 * least this, more than δ is wrong", that an exact binomial test has to refute. Candidates are set by how many observations
 * they cover, in halves of all, and share the error of the test among them (Bonferroni), so that at most `1 − confidence`
 * is the chance that any of those which pass should not have.
 *
 * The observations must be ones whose scores did not depend on their outcome. What was served is not among them (nobody
 * knows whether it was right), audits of would-be hits are. So low scores are observed more often than they are asked
 * for, which makes the tested share larger than the one among what will be served as long as a higher score is not more
 * often wrong.
 */
import { fewestClean, shows } from './binomial.js';

export interface Scored {
  readonly score: number;
  readonly right: boolean;
}

/** Each candidate covers so many times what the one before it covers. */
const STEP = 2;

/** Null: there is no score from which serving is known to keep δ. */
export function thresholdFor(observations: readonly Scored[], delta: number, confidence: number): number | null {
  const counts = candidateCounts(observations.length, delta, confidence);
  if (counts.length === 0) return null;
  const falling = observations.toSorted((a, b) => b.score - a.score);
  const each = 1 - (1 - confidence) / counts.length;
  let best: number | null = null;
  let wrong = 0;
  let at = 0;
  for (const count of counts) {
    const { score } = falling[count - 1] as Scored;
    // All of equal score are in or out together.
    for (; at < falling.length && (at < count || (falling[at] as Scored).score === score); at += 1) {
      if (!(falling[at] as Scored).right) wrong += 1;
    }
    if (shows(delta, wrong, at, each)) best = score;
  }
  return best;
}

/** The last candidate is all of them. */
function candidateCounts(total: number, delta: number, confidence: number): number[] {
  // With fewer, not even a clean record shows it.
  const fewest = fewestClean(delta, confidence);
  const counts: number[] = [];
  for (let count = total; count >= fewest; count = Math.floor(count / STEP)) counts.unshift(count);
  return counts;
}
