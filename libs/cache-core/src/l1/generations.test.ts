import { bucketOf, Generations } from './generations.js';

describe('Generations', () => {
  it('knows that a key changed after a moment, and that it did not since', () => {
    const generations = new Generations();
    const before = generations.sequence;
    generations.changed('app:a');
    expect(generations.hasChangedSince(bucketOf('app:a'), before)).toBe(true);
    expect(generations.hasChangedSince(bucketOf('app:b'), before)).toBe(false);
    expect(generations.hasChangedSince(bucketOf('app:a'), generations.sequence)).toBe(false);
  });

  it('takes everything for changed after a flush', () => {
    const generations = new Generations();
    const before = generations.sequence;
    generations.everythingChanged();
    expect(generations.hasChangedSince(bucketOf('app:a'), before)).toBe(true);
    expect(generations.hasChangedSince(bucketOf('app:a'), generations.sequence)).toBe(false);
  });

  it('spreads keys that differ in their last characters', () => {
    const buckets = new Set(Array.from({ length: 1000 }, (_, n) => bucketOf(`llm_cache:${n}`)));
    expect(buckets.size).toBeGreaterThan(980);
  });
});
