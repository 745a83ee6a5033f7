/**
 * The probability that an answer is right, as a logistic function of what is known of two texts. Fitted by Newton's
 * method, with a normal prior that holds the weights near those one would guess: with little evidence it is the guess, with
 * much it is the evidence.
 */
import { each, type Work } from './work.js';

export interface Example {
  readonly features: readonly number[];
  readonly right: boolean;
}

/** Where the weights are before any evidence, intercept first, and how strongly they are held there. */
export interface WeightPrior {
  readonly means: readonly number[];
  readonly precision: number;
}

const MOST_STEPS = 25;
const SMALL_STEP = 1e-6;

export function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
}

export function logitOf(weights: readonly number[], features: readonly number[]): number {
  let logit = weights[0] as number;
  for (let at = 0; at < features.length; at += 1) logit += (weights[at + 1] as number) * (features[at] as number);
  return logit;
}

/** The most probable weights, intercept first. */
export function* fitLogistic(
  examples: readonly Example[],
  prior: WeightPrior,
  start = prior.means,
): Work<readonly number[]> {
  const size = prior.means.length;
  let weights = [...start];
  let loss = yield* lossOf(examples, prior, weights);
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const { gradient, hessian } = yield* derivatives(examples, prior, weights);
    const direction = solve(hessian, gradient, size);
    // Halved until it helps: far from the maximum a full step of Newton's may overshoot.
    let scale = 1;
    let next = weights;
    for (; scale > 1e-4; scale /= 2) {
      next = weights.map((weight, at) => weight - scale * (direction[at] as number));
      const nextLoss = yield* lossOf(examples, prior, next);
      if (nextLoss <= loss) {
        loss = nextLoss;
        break;
      }
    }
    if (scale <= 1e-4) return weights;
    weights = next;
    if (direction.every((part) => Math.abs(part * scale) < SMALL_STEP)) break;
  }
  return weights;
}

function* lossOf(
  examples: readonly Example[],
  { means, precision }: WeightPrior,
  weights: readonly number[],
): Work<number> {
  let loss = 0;
  yield* each(examples.length, (at) => {
    const { features, right } = examples[at] as Example;
    const margin = right ? logitOf(weights, features) : -logitOf(weights, features);
    loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin));
  });
  for (let at = 1; at < weights.length; at += 1)
    loss += (precision / 2) * ((weights[at] as number) - (means[at] as number)) ** 2;
  // The intercept is held loosely: how often answers are right at all is what the evidence says best.
  return loss + (LOOSE / 2) * ((weights[0] as number) - (means[0] as number)) ** 2;
}

const LOOSE = 0.01;

function* derivatives(
  examples: readonly Example[],
  { means, precision }: WeightPrior,
  weights: readonly number[],
): Work<{ gradient: Float64Array; hessian: Float64Array }> {
  const size = weights.length;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const row = new Float64Array(size);
  row[0] = 1;
  yield* each(examples.length, (which) => {
    const { features, right } = examples[which] as Example;
    for (let at = 1; at < size; at += 1) row[at] = features[at - 1] as number;
    const p = sigmoid(logitOf(weights, features));
    const miss = p - (right ? 1 : 0);
    const spread = p * (1 - p);
    for (let i = 0; i < size; i += 1) {
      gradient[i] = (gradient[i] as number) + miss * (row[i] as number);
      const scaled = spread * (row[i] as number);
      for (let j = 0; j <= i; j += 1)
        hessian[i * size + j] = (hessian[i * size + j] as number) + scaled * (row[j] as number);
    }
  });
  for (let i = 0; i < size; i += 1) {
    const held = i === 0 ? LOOSE : precision;
    gradient[i] = (gradient[i] as number) + held * ((weights[i] as number) - (means[i] as number));
    hessian[i * size + i] = (hessian[i * size + i] as number) + held;
  }
  return { gradient, hessian };
}

/** Solves for a symmetric positive definite matrix, of which the lower half is given, by Cholesky's decomposition. */
function solve(matrix: Float64Array, right: Float64Array, size: number): Float64Array {
  const lower = Float64Array.from(matrix);
  for (let j = 0; j < size; j += 1) {
    for (let i = j; i < size; i += 1) {
      let sum = lower[i * size + j] as number;
      for (let k = 0; k < j; k += 1) sum -= (lower[i * size + k] as number) * (lower[j * size + k] as number);
      lower[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (lower[j * size + j] as number);
    }
  }
  const solution = Float64Array.from(right);
  for (let i = 0; i < size; i += 1) {
    let sum = solution[i] as number;
    for (let k = 0; k < i; k += 1) sum -= (lower[i * size + k] as number) * (solution[k] as number);
    solution[i] = sum / (lower[i * size + i] as number);
  }
  for (let i = size - 1; i >= 0; i -= 1) {
    let sum = solution[i] as number;
    for (let k = i + 1; k < size; k += 1) sum -= (lower[k * size + i] as number) * (solution[k] as number);
    solution[i] = sum / (lower[i * size + i] as number);
  }
  return solution;
}
