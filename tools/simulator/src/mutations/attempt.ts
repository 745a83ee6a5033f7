/**
 * Runs the proof until a claim fails: `attempt.js SEEDS`. For one mutation, in a process of its own.
 * Prints what failed as a line of JSON, or null.
 */
import { prove } from '../proof/prove.js';
import { HARD_CASES } from '../scenario/hard-cases.js';
import { simulate } from '../scenario/simulation.js';

export interface Noticed {
  readonly claim: string;
  /** The seed, or the hard case. */
  readonly by: string;
}

async function attempt(seeds: number): Promise<Noticed | null> {
  for (const { name, plan, seeds: delays } of HARD_CASES) {
    for (let seed = 1; seed <= delays; seed += 1) {
      const [violation] = (await simulate(plan(seed))).violations;
      if (violation !== undefined) return { claim: violation.claim, by: `"${name}"` };
    }
  }
  const { violation, seeds: tried } = await prove({ from: 1, seeds, explained: false });
  return violation === null ? null : { claim: violation.claim, by: `seed ${tried}` };
}

console.log(JSON.stringify(await attempt(Number(process.argv[2]))));
process.exit(0);
