/** What a process that joins a running `npm start` takes from it. */

/** No word: logs are scrubbed of every key, and "simulated" is one that they need. */
export const simulatedProviderKey = 'simulated-provider-key-5f0c1e7a93d24b68';

const PORTS = ['HOST', 'PORT', 'WORKER_PORT'];

/** These belong together: a real upstream with the mark of the simulated one would have its spending booked as simulated. */
const OPENAI = ['OPENAI_BASE_URL', 'OPENAI_API_KEY', 'SIMULATED_UPSTREAM'];
const ANTHROPIC = ['ANTHROPIC_BASE_URL', 'ANTHROPIC_API_KEY'];

/** The variables of `npm start` that hold beside the given ones. */
export function joiningEnvironment(ofStart, given) {
  const own = new Set(PORTS);
  if (given.OPENAI_BASE_URL) for (const name of OPENAI) own.add(name);
  if (given.OPENAI_BASE_URL || given.ANTHROPIC_BASE_URL) for (const name of ANTHROPIC) own.add(name);
  return Object.fromEntries(Object.entries(ofStart).filter(([name]) => !own.has(name) && !given[name]));
}
