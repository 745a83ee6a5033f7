export { SIMULATED_TIMES } from './cache/simulated-process.js';
export type { Break } from './network/network.js';
export { CLAIMS } from './proof/claims.js';
export type { Violation } from './proof/history.js';
export { describe, explain, prove, type Counterexample, type Proof, type ProofOptions } from './proof/prove.js';
export { HARD_CASES, type HardCase } from './scenario/hard-cases.js';
export { evicted, type Building, type House, type HouseProcess, type Witness } from './scenario/house.js';
export {
  planFrom,
  type Evictable,
  type PlanOptions,
  type Fault,
  type Operation,
  type Plan,
  type Step,
} from './scenario/plan.js';
export { runIn, simulate, type Outcome } from './scenario/simulation.js';
export { Story } from './scenario/story.js';
export { Random } from './time/random.js';
