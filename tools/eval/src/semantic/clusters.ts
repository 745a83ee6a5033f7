/** Pairs that share a question are no independent evidence. */
import type { LabelledPair } from './pairs.js';

/** For each question the name of all that hang together with it by pairs that are labelled the same. */
export function clustersOf(pairs: readonly LabelledPair[]): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  const rootOf = (question: string): string => {
    let root = question;
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent;
    return root;
  };
  for (const { candidate, same } of pairs) {
    const [one, other] = [rootOf(candidate.asked), rootOf(candidate.stored)];
    if (same && one !== other) parents.set(one, other);
  }
  const clusters = new Map<string, string>();
  for (const { candidate } of pairs) {
    for (const question of [candidate.asked, candidate.stored]) clusters.set(question, rootOf(question));
  }
  return clusters;
}

/**
 * The same for hits of several orders of the same pairs: a pair that was served in many of them is one pair (Kish's effect
 * of unequal weights), and so is what hangs together.
 */
export function pooledEffect(served: readonly LabelledPair[], clusters: ReadonlyMap<string, string>): number {
  const times = new Map<LabelledPair, number>();
  for (const pair of served) times.set(pair, (times.get(pair) ?? 0) + 1);
  let squares = 0;
  for (const count of times.values()) squares += count * count;
  return Math.max(1, squares / Math.max(1, served.length), designEffect(served, clusters));
}

/**
 * By how many times the variance of the share of wrong hits is larger than if all hits were independent (Kish, "Survey
 * sampling", 1965), from the residuals of each cluster; never less than 1.
 */
export function designEffect(served: readonly LabelledPair[], clusters: ReadonlyMap<string, string>): number {
  return effectOn(served, clusters, ({ same }) => !same);
}

/** The same of the share of pairs for which something else holds. */
export function effectOn(
  pairs: readonly LabelledPair[],
  clusters: ReadonlyMap<string, string>,
  holds: (pair: LabelledPair) => boolean,
): number {
  const share = pairs.filter(holds).length / pairs.length;
  if (pairs.length === 0 || share === 0 || share === 1) return 1;
  const residuals = new Map<string, number>();
  for (const pair of pairs) {
    const cluster = clusters.get(pair.candidate.stored) ?? pair.candidate.stored;
    residuals.set(cluster, (residuals.get(cluster) ?? 0) + (holds(pair) ? 1 : 0) - share);
  }
  let squares = 0;
  for (const residual of residuals.values()) squares += residual * residual;
  return Math.max(1, squares / (pairs.length * share * (1 - share)));
}
