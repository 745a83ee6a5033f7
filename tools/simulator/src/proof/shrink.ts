import type { Plan, Step } from '../scenario/plan.js';

/** Whether a plan still goes wrong in the way that is looked for. */
type Fails = (plan: Plan) => Promise<boolean>;

/**
 * The smallest part of a failing plan that still fails (delta debugging, after Zeller and Hildebrandt 2002): leaves out
 * ever smaller runs of steps for as long as it goes wrong without them.
 */
export async function shrink(plan: Plan, fails: Fails): Promise<Plan> {
  let steps: readonly Step[] = plan.steps;
  let parts = 2;
  while (steps.length > 1) {
    const size = Math.ceil(steps.length / parts);
    const smaller = await firstThatFails(plan, steps, size, fails);
    if (smaller !== null) {
      steps = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(steps.length, parts * 2);
  }
  return { ...plan, steps };
}

async function firstThatFails(
  plan: Plan,
  steps: readonly Step[],
  size: number,
  fails: Fails,
): Promise<readonly Step[] | null> {
  for (let from = 0; from < steps.length; from += size) {
    const without = steps.toSpliced(from, size);
    if (await fails({ ...plan, steps: without })) return without;
  }
  return null;
}
