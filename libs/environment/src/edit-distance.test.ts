import * as fc from 'fast-check';
import { editDistance } from './near-misses.js';

describe('editDistance', () => {
  it.each([
    ['REDIS_ULR', 'REDIS_URL', 1],
    ['', 'ABC', 3],
    ['KITTEN', 'SITTING', 3],
    ['PORT', 'PORT', 0],
    ['AB', 'BA', 1],
  ])('%s to %s is %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
  });

  it('is symmetric, zero only for equals, and never more than the longer text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
        const distance = editDistance(left, right);
        expect(distance).toBe(editDistance(right, left));
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
  });
});
