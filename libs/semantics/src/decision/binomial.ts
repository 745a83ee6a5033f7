/**
 * Exact bounds on the share of wrong answers, from how many of how many were wrong (Clopper and Pearson, "The use of
 * confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934). Nothing is approximated
 * by a normal distribution: the shares are small and the counts few.
 */

/** Halving an interval of length 1 so often leaves less than a double can tell. */
const HALVINGS = 60;

/** P(X ≤ k) where X counts successes among n that each have probability p. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  // From the largest term among 0…k, in logarithms: (1 − p)^n alone may be too small for a double.
  const mode = Math.min(k, Math.floor((n + 1) * p));
  const logOdds = Math.log(p) - Math.log1p(-p);
  let logTerm = n * Math.log1p(-p);
  for (let at = 0; at < mode; at += 1) logTerm += Math.log((n - at) / (at + 1)) + logOdds;
  const odds = p / (1 - p);
  let sum = 1;
  for (let at = mode, term = 1; at > 0; at -= 1) {
    term *= at / (n - at + 1) / odds;
    sum += term;
    if (term < sum * Number.EPSILON) break;
  }
  for (let at = mode, term = 1; at < k; at += 1) {
    term *= ((n - at) / (at + 1)) * odds;
    sum += term;
    if (term < sum * Number.EPSILON) break;
  }
  return Math.min(1, Math.exp(logTerm) * sum);
}

/** The largest share that `wrong` of `total` does not refute at this confidence; 1 where nothing is known. */
export function upperBound(wrong: number, total: number, confidence: number): number {
  if (wrong >= total) return 1;
  let [low, high] = [wrong / total, 1];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (binomialCdf(wrong, total, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** The smallest share that `wrong` of `total` does not refute at this confidence; 0 where nothing is known. */
export function lowerBound(wrong: number, total: number, confidence: number): number {
  return total === 0 ? 0 : 1 - upperBound(total - wrong, total, confidence);
}

/** Whether `wrong` of `total` shows, at this confidence, that the share is at most `share`. */
export function shows(share: number, wrong: number, total: number, confidence: number): boolean {
  return total > 0 && binomialCdf(wrong, total, share) <= 1 - confidence;
}

/** How many right ones in a row, without a wrong one, show that the share of wrong ones is at most `share`. */
export function fewestClean(share: number, confidence: number): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log1p(-share));
}

/** Alternatives to a share, as parts of it: hardly any wrong ones, or a third of what would be allowed. */
const ALTERNATIVES = [0.1, 1 / 3] as const;

/**
 * The same, however often one has looked before, and whenever one stops looking: a wager on fewer wrong ones than `share` has
 * multiplied its stake by 1 / (1 − confidence), which it does with at most that chance if there are as many (Ville's
 * inequality; Ramdas et al., "Game-theoretic statistics and safe anytime-valid inference", arXiv 2210.01948).
 */
export function showsWhenever(share: number, wrong: number, total: number, confidence: number): boolean {
  let wealth = 0;
  for (const part of ALTERNATIVES) {
    const log = wrong * Math.log(part) + (total - wrong) * (Math.log1p(-share * part) - Math.log1p(-share));
    wealth += Math.exp(log) / ALTERNATIVES.length;
  }
  return wealth >= 1 / (1 - confidence);
}
