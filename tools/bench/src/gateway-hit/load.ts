import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { processSeconds } from './process-time.js';
import type { Subject } from './subject.js';

/** What the load generator saw. */
export interface LoadResult {
  readonly answers: number;
  readonly failures: number;
  readonly seconds: number;
  /** The share of one processor that the generator itself used: near 1 it measures itself. */
  readonly generatorBusy: number;
  /** Of the time that the server reports in `server-timing`; null where it reports none. */
  readonly ownP50Ms: number | null;
  readonly ownP99Ms: number | null;
}

export interface Round extends LoadResult {
  /** Of the server; null where the system does not say. */
  readonly cpuSeconds: number | null;
}

/** Keeps `connections` requests under way at the subject for so many seconds. */
export async function loadFor(
  { address, pid }: Subject,
  request: string,
  connections: number,
  seconds: number,
): Promise<Round> {
  const before = processSeconds(pid);
  const generator = spawn(
    process.execPath,
    [join(import.meta.dirname, 'load-process.js'), address, String(connections), String(seconds)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  generator.stdin.end(request);
  const result = JSON.parse(await text(generator.stdout)) as LoadResult;
  const after = processSeconds(pid);
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.answers} answers were no 200.`);
  return { ...result, cpuSeconds: before === null || after === null ? null : after - before };
}
