/**
 * What must hold of every history, whatever the schedule and the faults. Each claim is one of the protocol's invariants
 * as a caller would notice its absence.
 */
import { LoadTimeoutError } from '@promptsales/cache-core';
import { SIMULATED_L1, SIMULATED_TIMES } from '../cache/simulated-process.js';
import type { History, ReadRecord, Violation, WriteRecord } from './history.js';

/** The claims' names, as reports and mutations use them. */
export const CLAIMS = {
  fresh: 'a read that began after an invalidation was confirmed is not older than it',
  memory: 'what a process has in its own memory is no further behind than its bound',
  ownWrites: 'a process never reads what it has invalidated itself, confirmed or not',
  oneLoad: 'one load at a time under an entry’s lease',
  gone: 'what was invalidated by its key is gone for readers that come past the platform too',
  neverFails: 'a read fails only when its origin fails',
  bounded: 'every read and every write ends within its bound',
  noLateEffect: 'no script takes effect after its caller has given it up',
  allExpire: 'no key is without an end',
  ownValues: 'nothing is served that the platform did not store',
  recovers: 'when the trouble is over, everything is as it was before',
} as const;

const { commandTimeoutMs, leaseMs, holdAfterRestartMs } = SIMULATED_TIMES;
/** Eight commands, each to the tick of the queue of deadlines. */
const COMMANDS_MS = 8 * (commandTimeoutMs + 50);

export interface CheckOptions {
  /** When the run ended. */
  readonly end: number;
  readonly longestLoadMs: number;
  /** By how much moments may be known too late. */
  readonly accuracyMs: number;
}

export function check(history: History, { end, longestLoadMs, accuracyMs }: CheckOptions): Violation[] {
  return [
    ...history.seen,
    ...history.reads.flatMap((read) => checkRead(history, read)),
    ...checkBounds(history, end, longestOperationMs(longestLoadMs) + 20 * accuracyMs),
    ...checkLoads(history, accuracyMs),
  ].toSorted((a, b) => a.at - b.at);
}

function checkRead(history: History, read: ReadRecord): Violation[] {
  if (read.ended === null) return [];
  const at = read.ended;
  if (read.error !== null) {
    if ([OriginError, CallerLeft, LoadTimeoutError].some((kind) => read.error instanceof kind)) return [];
    return [{ claim: CLAIMS.neverFails, at, what: `${nameOf(read)} failed: ${read.error.message}` }];
  }
  // A look that found nothing.
  if (read.version === null) return [];
  const { version } = read;
  const violations: Violation[] = [];
  for (const write of history.writes) {
    if (write.entry !== read.entry || write.version <= version) continue;
    if (write.returned === null || write.returnedOrder > read.beganOrder || write.error !== null) continue;
    const what = `${nameOf(read)} got version ${version}, but version ${write.version} was invalidated by ${write.process} at ${write.returned.toFixed(1)}`;
    if (write.life === read.life) violations.push({ claim: CLAIMS.ownWrites, at, what });
    else if (read.fromMemory && write.returned > read.began - SIMULATED_L1.boundMs) continue;
    else if (write.completed && !joinedWithoutRedis(read) && !mayBeLost(history, write, read)) {
      violations.push({ claim: read.fromMemory ? CLAIMS.memory : CLAIMS.fresh, at, what });
    }
  }
  return violations.slice(0, 1);
}

/** Without Redis a caller may share what its own process has under way, which may have begun earlier. */
function joinedWithoutRedis(read: ReadRecord): boolean {
  return read.bypassed && read.source !== 'loaded';
}

/**
 * A server that comes back without its last moments has lost confirmed invalidations. Whoever made them replays them as
 * soon as he is connected again, and the others, newcomers too, wait `holdAfterRestartMs` for that; who comes later than
 * that is too late.
 */
function mayBeLost(history: History, write: WriteRecord, read: ReadRecord): boolean {
  let applied = write.returned as number;
  const death = history.deaths.get(write.life) ?? Infinity;
  for (const { keptUntil, stopped, started } of history.restarts) {
    if (applied <= keptUntil || write.began > stopped) continue;
    const replayed = history.replays.find(({ life, at }) => life === write.life && at >= started)?.at ?? Infinity;
    // What is applied again can be lost again.
    applied = death < replayed ? Infinity : replayed;
    const inTime = applied <= started + holdAfterRestartMs;
    if (!inTime && (read.ended as number) >= stopped && read.began <= applied) return true;
  }
  return false;
}

/** A call waits for another's load, or for the lease of one who is gone, and then loads for itself. */
function longestOperationMs(longestLoadMs: number): number {
  return 2 * longestLoadMs + leaseMs + COMMANDS_MS;
}

function checkBounds(history: History, end: number, longestMs: number): Violation[] {
  const operations = [
    ...history.reads.map((read) => ({ ...read, done: read.ended, name: nameOf(read) })),
    ...history.writes.map((write) => ({
      ...write,
      // The bound of one that waits for Redis begins when Redis can be asked.
      began: write.patient ? Math.max(write.began, Math.min(history.healed, write.returned ?? Infinity)) : write.began,
      done: write.returned,
      name: `write ${write.id} of ${write.process}`,
    })),
  ];
  return operations.flatMap(({ life, began, done, name }) => {
    if (done === null && history.deaths.has(life)) return [];
    let allowed = longestMs;
    for (const freeze of history.freezes) {
      if (freeze.life === life)
        allowed += Math.max(0, Math.min(freeze.until, done ?? end) - Math.max(freeze.from, began));
    }
    const took = (done ?? end) - began;
    if (took <= allowed) return [];
    return [
      {
        claim: CLAIMS.bounded,
        at: done ?? end,
        what: `${name} ${done === null ? 'has not ended' : 'ended'} after ${took.toFixed(0)} ms`,
      },
    ];
  });
}

function checkLoads(history: History, accuracyMs: number): Violation[] {
  const violations: Violation[] = [];
  const loads = history.loads.filter(({ underLease }) => underLease).toSorted((a, b) => a.began - b.began);
  for (const [index, first] of loads.entries()) {
    const end = Math.min(first.ended ?? Infinity, history.deaths.get(first.life) ?? Infinity);
    for (const second of loads.slice(index + 1)) {
      if (second.entry !== first.entry || second.began >= end) continue;
      const freed = history.leaseEnds.some(
        ({ entry, at }) => entry === first.entry && at >= first.called && at - accuracyMs <= second.began,
      );
      if (freed) continue;
      violations.push({
        claim: CLAIMS.oneLoad,
        at: second.began,
        what: `${second.process} loads entry ${second.entry}, which ${first.process} has been loading since ${first.began.toFixed(1)}`,
      });
    }
  }
  return violations;
}

function nameOf(read: ReadRecord): string {
  return `read ${read.id} of ${read.process} (from ${read.began.toFixed(1)}${read.source === null ? '' : `, ${read.source}`})`;
}

/** What the simulated origin throws. */
export class OriginError extends Error {
  override readonly name = 'OriginError';
}

/** With what a caller leaves who waits no longer. */
export class CallerLeft extends Error {
  override readonly name = 'CallerLeft';
}
