import fc from 'fast-check';
import { shows } from './binomial.js';
import { thresholdFor } from './threshold.js';

interface Scored {
  readonly score: number;
  readonly right: boolean;
}

function threshold(observations: readonly Scored[], delta: number, confidence: number): number | null {
  const scoresOf = (right: boolean) =>
    Float64Array.from(observations.filter((one) => one.right === right).map(({ score }) => score));
  return thresholdFor({ right: scoresOf(true), wrong: scoresOf(false) }, delta, confidence);
}

function clean(count: number, score = 1): Scored[] {
  return Array.from({ length: count }, () => ({ score, right: true }));
}

/** Deterministic, and good enough to draw by. */
function drawing(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the threshold', () => {
  it('is none as long as even a clean record shows nothing', () => {
    expect(threshold([], 0.05, 0.95)).toBeNull();
    expect(threshold(clean(58), 0.05, 0.95)).toBeNull();
    expect(threshold(clean(59), 0.05, 0.95)).toBe(1);
    expect(threshold(clean(597), 0.005, 0.95)).toBeNull();
    expect(threshold(clean(598), 0.005, 0.95)).toBe(1);
  });

  it('lies where the right ones end', () => {
    const mixed = [...clean(400, 2), ...clean(400, 1).map((one, at) => ({ ...one, right: at % 2 === 0 }))];
    expect(threshold(mixed, 0.05, 0.95)).toBe(2);
    expect(threshold(mixed, 0.5, 0.95)).toBe(1);
  });

  it('takes what has one score in or out together', () => {
    expect(threshold([...clean(100), { score: 1, right: false }, ...clean(20, 0)], 0.01, 0.95)).toBeNull();
  });

  it('is not kept from the right ones by wrong ones that have one score', () => {
    const tied = Array.from({ length: 70 }, () => ({ score: 0, right: false }));
    expect(threshold([...clean(100), ...tied], 0.05, 0.95)).toBe(1);
    expect(threshold([...clean(100, 2), ...clean(60, 1), ...tied], 0.05, 0.95)).toBe(1);
  });

  it('bears a wrong one among the highest scores, when there are enough', () => {
    const first = [{ score: 9, right: false }];
    expect(threshold([...first, ...clean(80)], 0.05, 0.95)).toBeNull();
    expect(threshold([...first, ...clean(120)], 0.05, 0.95)).toBe(1);
  });

  const scored = fc.array(fc.record({ score: fc.integer({ min: 0, max: 20 }), right: fc.boolean() }), {
    maxLength: 300,
  });

  it('for all observations: what lies above it shows δ, and their order does not matter', () => {
    fc.assert(
      fc.property(scored, fc.double({ min: 0.02, max: 0.9, noNaN: true }), (observations, delta) => {
        const limit = threshold(observations, delta, 0.95);
        expect(threshold(observations.toReversed(), delta, 0.95)).toBe(limit);
        if (limit === null) return;
        const above = observations.filter(({ score }) => score >= limit);
        expect(shows(delta, above.filter(({ right }) => !right).length, above.length, 0.95)).toBe(true);
      }),
    );
  });

  /** The claim itself: of many worlds in which we know the error above each score, few may get a threshold that is too low. */
  it('is too low in at most as many worlds as the confidence allows', () => {
    const delta = 0.1;
    const random = drawing(7);
    // P(wrong | score) = 0.4·(1 − score), so P(wrong | at least s) = 0.2·(1 − s): δ holds from 0.5 on.
    const wrongAbove = (score: number): number => 0.2 * (1 - score);
    let tooLow = 0;
    const worlds = 600;
    for (let world = 0; world < worlds; world += 1) {
      const observations = Array.from({ length: 400 }, () => {
        const score = random();
        return { score, right: random() >= 0.4 * (1 - score) };
      });
      const limit = threshold(observations, delta, 0.95);
      if (limit !== null && wrongAbove(limit) > delta) tooLow += 1;
    }
    expect(tooLow / worlds).toBeLessThanOrEqual(0.05);
  });
});
