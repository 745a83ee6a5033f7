import {
  HARD_CASES,
  planFrom,
  runIn,
  Story,
  type Plan,
  type PlanOptions,
  type Violation,
} from '@promptsales/simulator';
import { RealHouse } from './real-house.js';

/** Short, because it is real time. Whole processes are frozen, and dates moved, by `npm run chaos -- cache`. */
const ON_REDIS: PlanOptions = { lengthMs: 2000, without: ['freeze process', 'step clock'] };

export interface RealFailure {
  readonly name: string;
  readonly violations: readonly Violation[];
  readonly plan: Plan;
  readonly story: string;
}

export interface RealProof {
  readonly counts: Readonly<Record<string, number>>;
  readonly failed: RealFailure | null;
}

export interface RealPlan {
  readonly name: string;
  readonly plan: Plan;
}

/** The hard cases, with one of their delays each: real ones differ by themselves. */
export const HARD_CASES_ON_REDIS: readonly RealPlan[] = HARD_CASES.map(({ name, plan }) => ({ name, plan: plan(1) }));

export function seedOnRedis(seed: number): RealPlan {
  return { name: `seed ${seed}`, plan: planFrom(seed, ON_REDIS) };
}

/** Runs plans against real Redis servers, one after the other, until a claim fails or all have held. */
export async function proveOnRedis(
  plans: readonly RealPlan[],
  onPlan: (name: string) => void = () => {},
): Promise<RealProof> {
  const counts = new Map<string, number>();
  for (const { name, plan } of plans) {
    const story = new Story();
    const outcome = await runIn(await RealHouse.prepare(plan), plan, story);
    for (const [what, times] of Object.entries(outcome.counts)) counts.set(what, (counts.get(what) ?? 0) + times);
    onPlan(name);
    const { violations } = outcome;
    if (violations.length > 0) {
      return { counts: Object.fromEntries(counts), failed: { name, violations, plan, story: story.text } };
    }
  }
  return { counts: Object.fromEntries(counts), failed: null };
}

/** What a person needs: on real time the same seed may take another course. */
export function describeReal({ name, violations, plan, story }: RealFailure): string {
  return [
    ...violations.map(
      ({ claim, at, what }) => `${name}, at ${at.toFixed(0)} ms: ${what}. So this does not hold: ${claim}.`,
    ),
    'Its schedule:',
    ...plan.steps.map((step) => `  ${JSON.stringify(step)}`),
    'What happened (milliseconds, who, what):',
    story,
  ].join('\n');
}
