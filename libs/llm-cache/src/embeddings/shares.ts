import type { EmbeddingItem } from '../protocol/embeddings/request.js';

/**
 * What each item has of the tokens that the provider counted for all of them: by its tokens where they are given, else by
 * its bytes. The shares add up to the count exactly (largest remainders), so that items which are asked for together
 * again have avoided what they cost. Null where the provider did not count.
 */
export function sharesOf(tokens: number | null, items: readonly EmbeddingItem[]): readonly (number | null)[] {
  if (tokens === null) return items.map(() => null);
  const weights = items.map((item) => Math.max(1, typeof item === 'string' ? Buffer.byteLength(item) : item.length));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (tokens * weight) / whole);
  const shares = exact.map(Math.floor);
  const left = tokens - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact
    .map((share, at) => ({ at, remainder: share - Math.floor(share) }))
    .toSorted((one, other) => other.remainder - one.remainder || one.at - other.at);
  for (const { at } of byRemainder.slice(0, left)) shares[at] = (shares[at] as number) + 1;
  return shares;
}
