import fc from 'fast-check';
import { estimate, sumOf, type Estimate } from './estimate.js';

describe('an estimate from a sample', () => {
  it('is a count where all were looked at', () => {
    expect(estimate({ met: 3, looked: 10, total: 10 })).toEqual({ keys: 3, atLeast: 3, atMost: 3, exact: true });
    expect(estimate({ met: 0, looked: 0, total: 0 })).toEqual({ keys: 0, atLeast: 0, atMost: 0, exact: true });
  });

  it('is unknown, and not zero, where none was met', () => {
    expect(estimate({ met: 0, looked: 100, total: 1000 })).toMatchObject({ keys: null, atLeast: 0, exact: false });
    expect(estimate({ met: 0, looked: 0, total: 1000 })).toMatchObject({ keys: null, atMost: 1000 });
    const some: Estimate = estimate({ met: 0, looked: 100, total: 1000 });
    expect(sumOf([some, estimate({ met: 0, looked: 5, total: 5 })])).toMatchObject({ keys: 0, exact: false });
    expect(sumOf([some, some]).keys).toBeNull();
  });

  it('lies between its bounds, which are within what is possible', () => {
    const sample = fc
      .tuple(fc.nat(10_000), fc.nat(10_000), fc.nat(1_000_000))
      .map(([met, others, more]) => ({ met, looked: met + others, total: met + others + more }));
    fc.assert(
      fc.property(sample, (one) => {
        const { keys, atLeast, atMost } = estimate(one);
        expect(atLeast).toBeGreaterThanOrEqual(one.met);
        expect(atMost).toBeLessThanOrEqual(one.total);
        if (keys === null) return;
        expect(keys).toBeGreaterThanOrEqual(atLeast);
        expect(keys).toBeLessThanOrEqual(atMost);
      }),
    );
  });

  it('holds what there is in 95 of 100 samples', () => {
    let state = 1;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    let held = 0;
    for (let round = 0; round < 1000; round += 1) {
      let met = 0;
      for (let n = 0; n < 500; n += 1) if (random() < 0.03) met += 1;
      const { atLeast, atMost } = estimate({ met, looked: 500, total: 100_000 });
      if (atLeast <= 3000 && atMost >= 3000) held += 1;
    }
    expect(held).toBeGreaterThan(930);
  });
});
