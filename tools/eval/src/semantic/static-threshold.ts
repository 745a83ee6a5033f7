import type { LabelledPair } from './pairs.js';

export interface StaticBest {
  readonly threshold: number;
  readonly hits: number;
  readonly wrong: number;
}

/**
 * The most that a cache with one threshold could serve without more than this share of wrong answers. The threshold is
 * chosen with the labels of all pairs at hand, as nobody can who runs one: it is the best that there is, not what one gets.
 */
export function bestStaticThreshold(pairs: readonly LabelledPair[], share: number): StaticBest | null {
  const falling = pairs.toSorted((a, b) => b.similarity - a.similarity);
  let best: StaticBest | null = null;
  let wrong = 0;
  for (const [at, { similarity, same }] of falling.entries()) {
    if (!same) wrong += 1;
    // Pairs of one similarity are served together.
    if (falling[at + 1]?.similarity === similarity) continue;
    if (wrong <= share * (at + 1)) best = { threshold: similarity, hits: at + 1, wrong };
  }
  return best;
}
