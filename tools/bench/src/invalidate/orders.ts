/** What the process of a subject is told to do. */
export interface InvalidateOrders {
  /** Stores so many entries that are to be invalidated, and some that are not. */
  fill: { order: { keys: number }; answer: null };
  invalidate: { order: Record<string, never>; answer: { ms: number } };
  /** What it does afterwards by itself, at once; null: nothing. */
  afterwards: { order: Record<string, never>; answer: { ms: number } | null };
  /** Reads some of them and counts what is still served. */
  check: { order: { keys: number }; answer: { served: number; keptOfOthers: number; others: number } };
}
