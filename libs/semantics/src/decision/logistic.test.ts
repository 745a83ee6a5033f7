import fc from 'fast-check';
import { fitLogistic, logitOf, sigmoid, type Example, type WeightPrior } from './logistic.js';
import { finished, SLICE } from './work.js';

function fitted(examples: readonly Example[], prior: WeightPrior): readonly number[] {
  return finished(fitLogistic(examples, prior));
}

describe('the logistic estimate', () => {
  it('is the prior before any evidence', () => {
    expect(fitted([], { means: [-1, 2, 0.5], precision: 0.1 })).toEqual([-1, 2, 0.5]);
  });

  /** One feature that says nothing: the intercept is the logit of the share, up to its loose prior. */
  it('finds the share of right ones where nothing else is known', () => {
    const examples = Array.from({ length: 1000 }, (_, at): Example => ({ features: [0], right: at % 10 !== 0 }));
    const [intercept = 0] = fitted(examples, { means: [0, 0], precision: 1 });
    expect(sigmoid(intercept)).toBeCloseTo(0.9, 3);
  });

  it('finds by what answers are right', () => {
    const examples = Array.from({ length: 400 }, (_, at): Example => {
      const near = (at % 20) / 20;
      return { features: [near, (at * 7) % 3], right: near > 0.6 || at % 33 === 0 };
    });
    const weights = fitted(examples, { means: [0, 0, 0], precision: 0.01 });
    expect(weights[1]).toBeGreaterThan(3);
    expect(Math.abs(weights[2] ?? 9)).toBeLessThan(1);
    expect(sigmoid(logitOf(weights, [0.95, 1]))).toBeGreaterThan(0.9);
    expect(sigmoid(logitOf(weights, [0.1, 1]))).toBeLessThan(0.15);
  });

  it('looks at no more than a slice of the examples before others have their turn', () => {
    let looks = 0;
    const examples = Array.from({ length: 4_096 }, (_, at) => ({
      features: [at % 7],
      get right() {
        looks += 1;
        return at % 3 > 0;
      },
    }));
    let [slices, most] = [0, 0];
    for (const work = fitLogistic(examples, { means: [0, 0], precision: 0.1 }); work.next().done !== true;) {
      slices += 1;
      most = Math.max(most, looks);
      looks = 0;
    }
    expect(slices).toBeGreaterThan(10);
    // An example is asked once or twice whether it was right when it is looked at.
    expect(most).toBeLessThanOrEqual(2 * SLICE);
  });

  it('for all examples: the weights are finite and the gradient of the loss is nothing there', () => {
    const example = fc.record({
      features: fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 3, maxLength: 3 }),
      right: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(example, { maxLength: 60 }), (examples) => {
        const precision = 0.1;
        const weights = fitted(examples, { means: [0, 1, -1, 0], precision });
        for (const [at, weight] of weights.entries()) {
          expect(Number.isFinite(weight)).toBe(true);
          let slope = (at === 0 ? 0.01 : precision) * (weight - ([0, 1, -1, 0][at] ?? 0));
          for (const { features, right } of examples) {
            slope += (sigmoid(logitOf(weights, features)) - Number(right)) * (at === 0 ? 1 : (features[at - 1] ?? 0));
          }
          expect(Math.abs(slope)).toBeLessThan(1e-3);
        }
      }),
      { numRuns: 200 },
    );
  });
});
