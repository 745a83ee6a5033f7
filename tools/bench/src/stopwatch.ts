/** Microseconds that one call takes at its best: the fastest of many rounds, so that other work on the machine does not count. */
export function microsecondsPerCall(work: () => unknown, round = { calls: 500, rounds: 200 }): number {
  const rounds: number[] = [];
  for (let index = 0; index < round.rounds + 5; index++) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < round.calls; call++) keep(work());
    const nanoseconds = Number(process.hrtime.bigint() - start);
    if (index >= 5) rounds.push(nanoseconds / round.calls / 1000);
  }
  return Math.min(...rounds);
}

/** The last result stays reachable, so the compiler cannot drop the work that made it. */
let kept: unknown;

function keep(result: unknown): void {
  kept = result;
}

export function lastResult(): unknown {
  return kept;
}
