/** How long one measurement may take, and one round of it: short enough that some rounds are not interrupted. */
const MEASUREMENT_MS = 400;
const ROUND_MS = 2;

/** Microseconds that one call takes at its best: the fastest of many rounds, so that other work on the machine does not count. */
export function microsecondsPerCall(work: () => unknown): number {
  const calls = callsPerRound(work);
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + MEASUREMENT_MS;
  while (performance.now() < end) best = Math.min(best, roundMs(work, calls) / calls);
  return best * 1000;
}

/** Doubled until a round takes long enough to be timed; the calls on the way warm the code up. */
function callsPerRound(work: () => unknown): number {
  let calls = 64;
  while (roundMs(work, calls) < ROUND_MS) calls *= 2;
  return calls;
}

function roundMs(work: () => unknown, calls: number): number {
  const start = performance.now();
  for (let call = 0; call < calls; call++) kept = work();
  return performance.now() - start;
}

/** The last result stays reachable, so the compiler cannot drop the work that made it. */
let kept: unknown;

export function lastResult(): unknown {
  return kept;
}
