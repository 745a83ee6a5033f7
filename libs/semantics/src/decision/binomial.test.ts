import fc from 'fast-check';
import { binomialCdf, fewestClean, lowerBound, shows, showsWhenever, upperBound } from './binomial.js';

/** Computed with exact fractions, then rounded to a double. */
const CDF: [k: number, n: number, p: number, value: number][] = [
  [0, 59, 0.05, 0.048494525249423236],
  [1, 93, 0.05, 0.049975795242616541],
  [3, 10, 0.5, 0.171875],
  [7, 1000, 0.005, 0.86715238403225492],
  [0, 598, 0.005, 0.049911691230058543],
  [120, 4000, 0.02, 0.99999047597203017],
  [40, 40, 0.9, 1],
  [5, 8192, 0.01, 6.0160068539629746e-29],
  [999, 1000, 0.999, 0.63230457522903594],
  [2, 3, 1 / 3, 0.96296296296296291],
];

/** Computed with 60 decimal digits. */
const UPPER: [wrong: number, total: number, confidence: number, value: number][] = [
  [0, 100, 0.95, 0.029513049607039935],
  [1, 100, 0.95, 0.046559811453538949],
  [3, 1037, 0.95, 0.007459885298301959],
  [7, 140, 0.95, 0.091859877557646838],
  [0, 1, 0.95, 0.95],
  [50, 100, 0.99, 0.61928253309304759],
  [10, 5000, 0.9875, 0.0039419372690374542],
  [2, 1978, 0.975, 0.0036477008691907955],
];

describe('the binomial distribution', () => {
  it.each(CDF)('P(X ≤ %d) of %d at %d', (k, n, p, value) => {
    expect(Math.abs(binomialCdf(k, n, p) / value - 1)).toBeLessThan(1e-11);
  });

  it.each(UPPER)('the upper bound of %d wrong of %d at %d', (wrong, total, confidence, value) => {
    expect(Math.abs(upperBound(wrong, total, confidence) / value - 1)).toBeLessThan(1e-10);
  });

  it('knows the ends', () => {
    expect(binomialCdf(-1, 5, 0.5)).toBe(0);
    expect(binomialCdf(0, 5, 0)).toBe(1);
    expect(binomialCdf(4, 5, 1)).toBe(0);
    expect(upperBound(0, 0, 0.95)).toBe(1);
    expect(upperBound(3, 3, 0.95)).toBe(1);
    expect(lowerBound(0, 0, 0.95)).toBe(0);
    expect(lowerBound(0, 9, 0.95)).toBe(0);
    expect(shows(0.5, 0, 0, 0.95)).toBe(false);
  });

  const counts = fc
    .integer({ min: 1, max: 300 })
    .chain((total) => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)));
  const confidences = fc.double({ min: 0.5, max: 0.999, noNaN: true });

  it('for all counts: the bound is where the test begins to refute, and lies above the share', () => {
    fc.assert(
      fc.property(counts, confidences, ([wrong, total], confidence) => {
        const bound = upperBound(wrong, total, confidence);
        expect(bound).toBeGreaterThanOrEqual(wrong / total);
        expect(bound).toBeLessThanOrEqual(1);
        expect(lowerBound(wrong, total, confidence)).toBeLessThanOrEqual(wrong / total + 1e-12);
        if (bound * 1.001 < 1) {
          expect(shows(bound * 1.001, wrong, total, confidence)).toBe(true);
          expect(shows(bound * 0.999, wrong, total, confidence)).toBe(false);
        }
      }),
    );
  });

  it('for all counts: one more wrong answer never makes the bound smaller, one more right one never larger', () => {
    fc.assert(
      fc.property(counts, confidences, ([wrong, total], confidence) => {
        const bound = upperBound(wrong, total, confidence);
        expect(upperBound(wrong + 1, total + 1, confidence)).toBeGreaterThanOrEqual(bound - 1e-12);
        expect(upperBound(wrong, total + 1, confidence)).toBeLessThanOrEqual(bound + 1e-12);
      }),
    );
  });

  it('for all shares: so many clean ones show it, and one fewer does not', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.9, noNaN: true }), confidences, (share, confidence) => {
        const fewest = fewestClean(share, confidence);
        expect(shows(share, 0, fewest, confidence - 1e-9)).toBe(true);
        expect(shows(share, 0, fewest - 1, confidence + 1e-9)).toBe(false);
      }),
    );
  });

  it('shows less when one may look whenever one likes, and shows it all the same', () => {
    expect(showsWhenever(0.05, 0, 0, 0.95)).toBe(false);
    expect(showsWhenever(0.05, 0, 70, 0.95)).toBe(false);
    expect(showsWhenever(0.05, 0, 90, 0.95)).toBe(true);
    expect(showsWhenever(0.05, 1, 90, 0.95)).toBe(false);
    expect(showsWhenever(0.05, 1, 125, 0.95)).toBe(true);
    expect(showsWhenever(0.05, 5, 100, 0.95)).toBe(false);
  });

  /** The claim itself: where exactly the share is wrong, few of those who look after each answer are ever misled. */
  it('misleads at most as many as the confidence allows, who look after each answer', () => {
    let state = 7;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    let misled = 0;
    const worlds = 1_000;
    for (let world = 0; world < worlds; world += 1) {
      let wrong = 0;
      for (let total = 1; total <= 1_000; total += 1) {
        if (random() < 0.05) wrong += 1;
        if (!showsWhenever(0.05, wrong, total, 0.95)) continue;
        misled += 1;
        break;
      }
    }
    expect(misled / worlds).toBeLessThanOrEqual(0.05);
    expect(misled / worlds).toBeGreaterThan(0.005);
  });
});
