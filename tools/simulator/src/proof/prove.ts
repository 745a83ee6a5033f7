import { planFrom, type Plan } from '../scenario/plan.js';
import { simulate } from '../scenario/simulation.js';
import { Story } from '../scenario/story.js';
import type { Violation } from './history.js';
import { shrink } from './shrink.js';

/** A seed under which a claim does not hold, made as small as it goes. */
export interface Counterexample {
  readonly seed: number;
  readonly violation: Violation;
  readonly plan: Plan;
  /** Everything that happened in the smallest schedule. */
  readonly story: string;
}

export interface Proof {
  readonly seeds: number;
  /** How often each operation, fault and result occurred: a claim about what never occurs is worth nothing. */
  readonly counts: Readonly<Record<string, number>>;
  /** What did not hold, under the last of the seeds. */
  readonly violation: Violation | null;
  readonly counterexample: Counterexample | null;
}

export interface ProofOptions {
  readonly from: number;
  readonly seeds: number;
  /** Whether a failing schedule is made small and told; by default it is. */
  readonly explained?: boolean;
  readonly onSeed?: (seed: number) => void;
}

/** Runs one schedule after another until a claim fails or all have held. */
export async function prove({ from, seeds, explained = true, onSeed }: ProofOptions): Promise<Proof> {
  const counts = new Map<string, number>();
  for (let seed = from; seed < from + seeds; seed += 1) {
    const plan = planFrom(seed);
    const outcome = await simulate(plan);
    for (const [what, times] of Object.entries(outcome.counts)) counts.set(what, (counts.get(what) ?? 0) + times);
    const [violation] = outcome.violations;
    onSeed?.(seed);
    if (violation !== undefined) {
      const counterexample = explained ? await explain(plan, violation) : null;
      return { seeds: seed - from + 1, counts: Object.fromEntries(counts), violation, counterexample };
    }
  }
  return { seeds, counts: Object.fromEntries(counts), violation: null, counterexample: null };
}

/** Makes a failing plan as small as it goes and tells its story. */
export async function explain(failing: Plan, { claim }: Violation): Promise<Counterexample> {
  const plan = await shrink(failing, async (smaller) =>
    (await simulate(smaller)).violations.some((violation) => violation.claim === claim),
  );
  const story = new Story();
  const { violations } = await simulate(plan, story);
  const violation = violations.find((one) => one.claim === claim);
  if (violation === undefined)
    throw new Error(`seed ${plan.seed} does not fail twice: the simulation is not deterministic`);
  return { seed: plan.seed, violation, plan, story: story.text };
}

/** A counterexample as a person reads it. */
export function describe({ seed, violation, plan, story }: Counterexample): string {
  return [
    `Seed ${seed} shows that this does not hold: ${violation.claim}.`,
    `At ${violation.at.toFixed(2)} ms: ${violation.what}.`,
    '',
    `Of its schedule, ${plan.steps.length} steps are needed:`,
    ...plan.steps.map((step) => `  ${JSON.stringify(step)}`),
    '',
    'What happened (milliseconds, who, what):',
    story,
  ].join('\n');
}
