/**
 * What must hold of every history, whatever the faults.
 *
 * All processes write down the same clock, the beginning of a read before anything of it is done and the return of an
 * invalidation after everything of it: so a read that began after an invalidation returned is one that must see it.
 */
import { entriesUnder } from './entries.js';
import type { HistoryRecord, ReadRecord, WriteRecord } from './history.js';

/** A process's own memory is at most so far behind. */
export const L1_BOUND_MS = 1000;

export const CLAIMS = {
  shared: 'no read from the shared tier is older than an invalidation that was acknowledged before it began',
  memory: `no read from a process's own memory is more than ${L1_BOUND_MS} ms behind`,
  own: 'no process reads what it has itself invalidated, acknowledged or not',
  failed: 'no request failed that the origin could answer',
} as const;

export type Claim = keyof typeof CLAIMS;

export interface Violation {
  readonly claim: Claim;
  readonly at: number;
  readonly what: string;
}

export function check(records: readonly HistoryRecord[]): Violation[] {
  const writes = records.filter((one) => one.what === 'write');
  const acknowledged = new Invalidations(writes.filter(({ pending }) => !pending));
  const own = new Map(
    [...Map.groupBy(writes, ({ process }) => process)].map(([name, its]) => [name, new Invalidations(its)]),
  );
  return records.flatMap((record): Violation[] => {
    if (record.what === 'failure') {
      if (record.originFailed) return [];
      return [{ claim: 'failed', at: record.ended, what: `${record.process} entry ${record.entry}: ${record.error}` }];
    }
    if (record.what !== 'read') return [];
    const stale = (claim: Claim, missed: WriteRecord | null): Violation[] =>
      missed === null ? [] : [{ claim, at: record.began, what: describe(record, missed) }];
    // Without Redis a caller may share what his process has under way: that may have begun before him (docs/cache-protocol.md).
    const shared = record.bypassed && record.source === 'joined';
    const behind = record.source === 'l1' || record.source === 'stale l1' ? L1_BOUND_MS : 0;
    return [
      ...stale('own', own.get(record.process)?.newerThan(record, record.began) ?? null),
      ...(shared ? [] : stale(behind > 0 ? 'memory' : 'shared', acknowledged.newerThan(record, record.began - behind))),
    ].slice(0, 1);
  });
}

/** For each entry, the newest version that was invalidated up to a moment. */
export class Invalidations {
  /** By entry, in the order of return: each newer than all before it. */
  readonly #byEntry = new Map<number, WriteRecord[]>();

  constructor(writes: readonly WriteRecord[]) {
    for (const write of writes.toSorted((one, other) => one.returned - other.returned)) {
      for (const entry of entriesUnder(write.reach)) {
        const newest = this.#byEntry.get(entry) ?? [];
        if (write.version > (newest.at(-1)?.version ?? -1)) newest.push(write);
        this.#byEntry.set(entry, newest);
      }
    }
  }

  /** The newest of an entry that had returned by then; null when there was none. */
  newestOf(entry: number, by: number): WriteRecord | null {
    const newest = this.#byEntry.get(entry) ?? [];
    let [low, high] = [0, newest.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((newest[middle] as WriteRecord).returned <= by) low = middle + 1;
      else high = middle;
    }
    return newest[low - 1] ?? null;
  }

  newerThan({ entry, version }: Pick<ReadRecord, 'entry' | 'version'>, by: number): WriteRecord | null {
    const newest = this.newestOf(entry, by);
    return newest !== null && newest.version > version ? newest : null;
  }
}

function describe(
  { process, entry, version, source, began, ended, bypassed }: ReadRecord,
  missed: WriteRecord,
): string {
  const { kind, index } = missed.reach;
  return (
    `${process} read version ${version} of entry ${entry} (${source}${bypassed ? ', without Redis' : ''}, ` +
    `${began.toFixed(1)} to ${ended.toFixed(1)}), but ${missed.process} had invalidated version ${missed.version} ` +
    `by ${kind} ${index} from ${missed.began.toFixed(1)} to ${missed.returned.toFixed(1)}${missed.pending ? ' (pending)' : ''}`
  );
}
