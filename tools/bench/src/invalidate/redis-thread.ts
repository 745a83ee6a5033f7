import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What the thread that carries out a server's commands has had of the processors, by Linux's own count. */
export interface ThreadTime {
  readonly ranMs: number;
  /** Ready to run, while others had the processors. */
  readonly waitedMs: number;
}

/** Of the thread whose id is its process's, which in Redis carries out all commands; null where there is no such count. */
export function threadTime(pid: number): ThreadTime | null {
  let counts: string;
  try {
    counts = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1');
  } catch {
    return null;
  }
  const [ran, waited] = counts.split(' ').map((nanoseconds) => Number(nanoseconds) / 1e6) as [number, number];
  return { ranMs: ran, waitedMs: waited };
}

/**
 * Gives that thread a processor whenever it wants one, so that what is counted by the clock is its own work even where
 * others want the processors too. False where that is not allowed, or there is no `chrt`.
 */
export function runAtOnce(pid: number): boolean {
  return spawnSync('chrt', ['--fifo', '--reset-on-fork', '--pid', '1', String(pid)]).status === 0;
}
