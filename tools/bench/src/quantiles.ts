/** A row of times in milliseconds. */
export function quantiles(values: readonly number[]): Readonly<Record<string, number>> {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (q: number): number => Number((sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN).toFixed(3));
  return { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'most ms': at(1) };
}
