import type { SettledProcess } from './cache-process.js';
import type { Violation } from './checker.js';
import { REACH_SIZES } from './entries.js';
import type { ProxyCounts } from './fault-proxy.js';
import type { Occurrence } from './faults.js';
import type { HistoryRecord, Source } from './history.js';

/** Of what is wrong, so much is printed of each kind. */
const MOST_SHOWN = 5;
/** A fault may show so long after it has ended. */
const AFTERMATH_MS = 15_000;

type Say = (line: string) => void;

/** How often each fault that can occur did, and what came of them. */
export function sayFaults(
  say: Say,
  names: readonly string[],
  occurred: readonly Occurrence[],
  effects: ReadonlyMap<string, number>,
  proxy: ProxyCounts,
): void {
  say(`${occurred.length} faults`);
  for (const name of names.toSorted()) {
    const times = occurred.filter((one) => one.name === name).length;
    say(`  ${String(times).padStart(4)}  ${name}`);
  }
  for (const [effect, times] of effects) say(`${times} ${effect}`);
  say(
    `the network reset ${proxy.reset} connections, refused ${proxy.refused} and half closed ${proxy.halfClosed}; ` +
      `it held back ${proxy.heldBack} pieces of what went over them and delayed ${proxy.delayed}`,
  );
}

/** What the processes did and saw, in numbers. */
export function sayCounts(say: Say, history: readonly HistoryRecord[], settled: readonly SettledProcess[]): void {
  const reads = history.filter((one) => one.what === 'read');
  const failures = history.filter((one) => one.what === 'failure');
  const writes = history.filter((one) => one.what === 'write');
  const bySource = (source: Source): number => reads.filter((one) => one.source === source).length;
  const pending = writes.filter((one) => one.pending).length;
  const originFailed = failures.filter((one) => one.originFailed).length;
  const ms = reads.map(({ began, ended }) => ended - began).toSorted((one, other) => one - other);
  const quantile = (q: number): string => (ms[Math.max(0, Math.ceil(q * ms.length) - 1)] ?? Number.NaN).toFixed(1);
  say(
    `${reads.length} reads: ${bySource('l1') + bySource('stale l1')} from the process's own memory, ${bySource('redis') + bySource('stale')} from Redis, ` +
      `${bySource('loaded')} loaded, ${bySource('joined')} joined, ${bySource('followed')} followed another process; ` +
      `${bySource('stale') + bySource('stale l1')} of all past their freshness, ` +
      `${reads.filter(({ bypassed }) => bypassed).length} of all without Redis`,
  );
  say(`half of them within ${quantile(0.5)} ms, 99 of 100 within ${quantile(0.99)} ms, all within ${quantile(1)} ms`);
  say(`${failures.length} requests failed, ${originFailed} of them because the origin did`);
  for (const kind of Object.keys(REACH_SIZES)) {
    const some = writes.filter(({ reach }) => reach.kind === kind);
    say(
      `${some.length} invalidations by ${kind}: ${some.filter((one) => !one.pending).length} acknowledged, ` +
        `${some.filter((one) => one.pending).length} pending`,
    );
  }
  say(`${pending} of ${writes.length} invalidations were kept while Redis could not be asked`);
  say(`the processes' own memory was emptied ${settled.reduce((sum, one) => sum + one.emptied, 0)} times in doubt`);
}

/** The first of each kind, and what had gone on before. */
export function sayViolations(
  say: Say,
  violations: readonly Violation[],
  faults: readonly Occurrence[],
  history: readonly HistoryRecord[],
): void {
  const events = [
    ...faults.map(({ name, began, ended }) => ({ began, ended, text: `${name}, until ${ended.toFixed(1)}` })),
    ...history
      .filter((one) => one.what === 'link')
      .map(({ process, at, state, reason }) => ({
        began: at,
        ended: at,
        text: `${process}'s connection is ${state}: ${reason}`,
      })),
  ].toSorted((one, other) => one.began - other.began);
  for (const some of Map.groupBy(violations, ({ claim }) => claim).values()) {
    const first = some.toSorted((one, other) => one.at - other.at).slice(0, MOST_SHOWN);
    for (const { claim, what } of first) say(`${claim}: ${what}`);
    const { at } = first[0] as Violation;
    for (const { began, ended, text } of events) {
      if (began < at && ended > at - AFTERMATH_MS) say(`  at ${began.toFixed(1)}: ${text}`);
    }
  }
}
