/**
 * Invalidates very many entries at once, by tag, by family and by pattern: how long it takes, and for how long at most
 * nobody else gets an answer from Redis. Each way has a server and a process of its own. The server and the probe are
 * given a processor whenever they want one, where the machine allows that: what commands take is then theirs, and not
 * other processes'.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startOrdered } from '../processes/ordered-process.js';
import { startTemporaryRedis } from '../temporary-redis.js';
import type { InvalidateOrders } from './orders.js';
import { holdDuring, type Hold } from './redis-hold.js';
import { runAtOnce } from './redis-thread.js';
import { SUBJECTS, type SubjectName } from './subjects.js';

export const DEFAULT_KEYS = 100_000;
const IDLE_MS = 1000;

export async function invalidateBenchmark(keys: number): Promise<void> {
  console.log(`${keys} entries; (idle ms) and (waited ms) are of the machine, not of the commands`);
  if (!runAtOnce(process.pid)) console.log('this process and Redis wait for processors like everybody else');
  const rows: Record<string, object> = {};
  for (const name of Object.keys(SUBJECTS) as SubjectName[]) Object.assign(rows, await measure(name, keys));
  console.table(rows);
}

async function measure(name: SubjectName, keys: number): Promise<Record<string, object>> {
  const redis = await startTemporaryRedis();
  const { server } = redis;
  const { url } = server;
  const script = join(import.meta.dirname, 'invalidate-process.js');
  const subject = await startOrdered<InvalidateOrders>(script, { name, redisUrl: url });
  try {
    await subject.order('fill', { keys });
    runAtOnce(server.pid);
    // What the machine alone makes the probe wait.
    const idle = await holdDuring(server, () => pause(IDLE_MS));
    let ms = Number.NaN;
    const hold = await holdDuring(server, async () => ({ ms } = await subject.order('invalidate', {})));
    const rows: Record<string, object> = { [name]: row(ms, hold, idle) };
    const { served, keptOfOthers, others } = await subject.order('check', { keys });
    if (served > 0) throw new Error(`${name}: ${served} of the entries that were looked at are still served`);
    if (keptOfOthers < others) throw new Error(`${name}: ${others - keptOfOthers} other entries went too`);
    let after: { ms: number } | null = null;
    const holdAfter = await holdDuring(server, async () => (after = await subject.order('afterwards', {})));
    if (after !== null) rows[`${name}: removing what is left`] = row((after as { ms: number }).ms, holdAfter, idle);
    return rows;
  } finally {
    await subject.stop();
    await redis.server.kill();
  }
}

function row(ms: number, hold: Hold, idle: Hold): object {
  return {
    'took ms': rounded(ms),
    commands: hold.commands,
    'Redis ran ms': rounded(hold.ranMs),
    'longest command ms': rounded(hold.longestCommandMs),
    'which was': hold.longestCommand,
    'over 5 ms': hold.over5Ms,
    '(waited ms)': rounded(hold.waitedMs),
    'probe longest ms': rounded(hold.probeLongestMs),
    '(idle ms)': rounded(idle.probeLongestMs),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
