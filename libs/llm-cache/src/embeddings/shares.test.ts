import fc from 'fast-check';
import { sharesOf } from './shares.js';

describe('shares of the tokens that were counted for several items', () => {
  it('add up to the count, and are as near to the items’ sizes as whole tokens can be', () => {
    const item = fc.oneof(fc.string({ maxLength: 40 }), fc.array(fc.nat({ max: 99 }), { minLength: 1, maxLength: 40 }));
    fc.assert(
      fc.property(fc.nat({ max: 1e6 }), fc.array(item, { minLength: 1, maxLength: 30 }), (tokens, items) => {
        const shares = sharesOf(tokens, items) as number[];
        const weights = items.map((one) => Math.max(1, typeof one === 'string' ? Buffer.byteLength(one) : one.length));
        const whole = weights.reduce((sum, weight) => sum + weight, 0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(tokens);
        for (const [at, share] of shares.entries()) {
          expect(Math.abs(share - (tokens * (weights[at] as number)) / whole)).toBeLessThan(1 + 1e-6);
        }
      }),
    );
  });

  it('are exact for the tokens themselves, and unknown where nobody counted', () => {
    expect(sharesOf(6, [[1], [1, 2, 3], [7, 8]])).toEqual([1, 3, 2]);
    expect(sharesOf(null, ['a', 'b'])).toEqual([null, null]);
    expect(sharesOf(0, ['a', 'b'])).toEqual([0, 0]);
  });
});
