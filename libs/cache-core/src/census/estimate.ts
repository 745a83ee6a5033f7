/** How many keys there are, as far as a sample tells. */
export interface Estimate {
  /** Null: none was met, and not all were looked at. Unknown is not zero. */
  readonly keys: number | null;
  readonly atLeast: number;
  readonly atMost: number;
  /** All were looked at: it is a count. */
  readonly exact: boolean;
}

export const NOTHING_KNOWN: Estimate = Object.freeze({ keys: null, atLeast: 0, atMost: Infinity, exact: false });

/** 95 %. */
const Z = 1.96;

/**
 * Of `total` keys `looked` were looked at, in an order that has nothing to do with what they are, and `met` of those were
 * of the kind in question. The bounds are Wilson's score interval (Wilson 1927), which holds for few as well, and never
 * say less than was met.
 */
export function estimate({ met, looked, total }: { met: number; looked: number; total: number }): Estimate {
  if (looked >= total) return { keys: met, atLeast: met, atMost: met, exact: true };
  if (looked === 0) return { ...NOTHING_KNOWN, atMost: total };
  const share = met / looked;
  const width = Z * Math.sqrt((share * (1 - share)) / looked + (Z * Z) / (4 * looked * looked));
  const centre = share + (Z * Z) / (2 * looked);
  const scale = 1 + (Z * Z) / looked;
  return {
    keys: met === 0 ? null : Math.max(met, Math.round(share * total)),
    atLeast: Math.max(met, Math.floor(((centre - width) / scale) * total)),
    atMost: Math.min(total, Math.ceil(((centre + width) / scale) * total)),
    exact: false,
  };
}

/** Of places that hold different keys. What is known of one alone is a lower bound for all. */
export function sumOf(estimates: readonly Estimate[]): Estimate {
  if (estimates.length === 0) return NOTHING_KNOWN;
  const known = estimates.filter(({ keys }) => keys !== null);
  return {
    keys: known.length === 0 ? null : known.reduce((sum, { keys }) => sum + (keys ?? 0), 0),
    atLeast: estimates.reduce((sum, { atLeast }) => sum + atLeast, 0),
    atMost: estimates.reduce((sum, { atMost }) => sum + atMost, 0),
    exact: estimates.every(({ exact }) => exact),
  };
}
