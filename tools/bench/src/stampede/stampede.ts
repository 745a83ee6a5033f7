/**
 * Ten thousand callers over four processes ask for one key that is not there, all at the same moment; its loader takes
 * 200 ms. What counts is how often the loader ran. Each library has its own memory tier too, where it offers one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LibraryName } from '../libraries/libraries.js';
import { startLibrary } from '../libraries/start-library.js';
import { startTemporaryRedis } from '../temporary-redis.js';

const SUBJECTS: readonly LibraryName[] = [
  'ours',
  'bentocache',
  'cache-manager',
  'cacheable',
  'async-cache-dedupe',
  'cachified',
];
const PROCESSES = 4;
const CALLERS = 10_000;
const LOAD_MS = 200;
const ROUNDS = 5;
/** By then every process has its order. */
const HEAD_START_MS = 150;

export async function stampedeBenchmark(): Promise<void> {
  const redis = await startTemporaryRedis();
  try {
    const rows: Record<string, object> = {};
    for (const name of SUBJECTS) rows[name] = await measure(name, redis.server.url);
    console.table(rows);
  } finally {
    await redis.server.kill();
  }
}

async function measure(name: LibraryName, redisUrl: string): Promise<object> {
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, () => startLibrary(name, redisUrl, 'memory+redis')),
  );
  try {
    const loads: number[] = [];
    const slowest: number[] = [];
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const at = Date.now() + HEAD_START_MS;
      const order = { key: `cold-${round}`, callers: CALLERS / PROCESSES, at, loadMs: LOAD_MS };
      const answers = await Promise.all(processes.map((one) => one.order('stampede', order)));
      if (answers.some(({ wrong }) => wrong > 0)) throw new Error(`${name} gave a caller another value`);
      // A library may store in the background.
      await pause(200);
      if (round === 0) continue;
      loads.push(answers.reduce((sum, one) => sum + one.loads, 0));
      slowest.push(Math.max(...answers.map(({ slowestMs }) => slowestMs)));
    }
    return {
      'loads, each round': loads.join(' '),
      'slowest caller, ms, each round': slowest.map(Math.round).join(' '),
    };
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
  }
}
