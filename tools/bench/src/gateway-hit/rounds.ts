import { setTimeout as pause } from 'node:timers/promises';
import { loadFor, type Round } from './load.js';
import type { Subject } from './subject.js';

/** Rounds alternate between the subjects, so that what else the machine does meets all of them. */
const ROUNDS = 3;
const WARM_UP_SECONDS = 3;
const ROUND_SECONDS = Number(process.env['BENCH_ROUND_SECONDS'] ?? 4);

/** Each subject is warmed up, and then measured in each round. */
export async function roundsOf(
  subjects: readonly Subject[],
  requestTo: (subject: Subject) => string,
  connections: number,
): Promise<ReadonlyMap<Subject, readonly Round[]>> {
  const rounds = new Map(subjects.map((subject) => [subject, [] as Round[]]));
  for (const subject of subjects) await loadFor(subject, requestTo(subject), connections, WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [subject, results] of rounds) {
      // What the one before still has to do (the ledger's last lines) is not this one's.
      await pause(500);
      results.push(await loadFor(subject, requestTo(subject), connections, ROUND_SECONDS));
    }
  }
  return rounds;
}

export function printRounds(rounds: ReadonlyMap<Subject, readonly Round[]>, yardstickName: string): void {
  const measured = [...rounds].map(([{ name }, results]) => ({ name, ...together(results) }));
  const yardstick = measured.find(({ name }) => name === yardstickName);
  console.table(
    Object.fromEntries(
      measured.map((one) => [
        one.name,
        {
          'requests/s': Math.round(one.perSecond),
          [`× ${yardstickName}`]: rounded(one.perSecond / (yardstick?.perSecond ?? Number.NaN)),
          'CPU µs/request': one.cpuMicros === null ? 'unknown' : Math.round(one.cpuMicros),
          [`CPU × ${yardstickName}`]: rounded((one.cpuMicros ?? Number.NaN) / (yardstick?.cpuMicros ?? Number.NaN)),
          'own p50 ms': one.ownP50Ms ?? '',
          'own p99 ms': one.ownP99Ms ?? '',
          'generator busy': `${Math.round(one.generatorBusy * 100)} %`,
        },
      ]),
    ),
  );
}

/** The rounds as one; of quantiles the middle round's. */
function together(results: readonly Round[]) {
  const sum = (of: (one: Round) => number | null): number =>
    results.reduce((total, one) => total + (of(one) ?? Number.NaN), 0);
  const middle = (of: (one: Round) => number | null): number | null =>
    results.map(of).toSorted((one, other) => (one ?? 0) - (other ?? 0))[Math.floor(results.length / 2)] ?? null;
  const answers = sum(({ answers: count }) => count);
  const cpuSeconds = sum(({ cpuSeconds: seconds }) => seconds);
  return {
    perSecond: answers / sum(({ seconds }) => seconds),
    cpuMicros: Number.isNaN(cpuSeconds) ? null : (cpuSeconds / answers) * 1e6,
    ownP50Ms: middle(({ ownP50Ms }) => ownP50Ms),
    ownP99Ms: middle(({ ownP99Ms }) => ownP99Ms),
    generatorBusy: sum(({ generatorBusy }) => generatorBusy) / results.length,
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
