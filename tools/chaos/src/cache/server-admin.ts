import { setTimeout as pause } from 'node:timers/promises';
import type { TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';

/** On a machine where the server itself waits for a processor. */
const COMMAND_TIMEOUT_MS = 10_000;

/** How long something goes on: so many milliseconds, or until then. */
export type Lasting = number | Promise<unknown>;

const over = (lasts: Lasting): Promise<unknown> => (typeof lasts === 'number' ? pause(lasts) : lasts);

/** What a fault does to a server itself. It comes back when a Sentinel ends its connection to make the server a replica. */
export function adminOf(server: TestRedis): Redis {
  const redis = new Redis(server.url, { retryStrategy: () => 50, commandTimeout: COMMAND_TIMEOUT_MS });
  redis.on('error', () => {}); // Told by what the commands reject with.
  return redis;
}

/**
 * Fills a server up to its limit with keys of somebody else, so that it evicts ours. Replicas follow their primary.
 * @returns how many keys it evicted
 */
export async function fill(server: TestRedis, policy: string, lasts: Lasting): Promise<number> {
  const redis = adminOf(server);
  const told = async (section: string, field: string): Promise<number> =>
    Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);
  try {
    if (!(await redis.info('replication')).includes('role:master')) return 0;
    const before = await told('stats', 'evicted_keys');
    await redis.config('SET', 'maxmemory-policy', policy);
    await redis.config('SET', 'maxmemory', (await told('memory', 'used_memory')) + 200_000);
    const filler = 'x'.repeat(2000);
    const enough = over(lasts).then(() => true);
    for (let turn = 0; ; turn += 1) {
      const some = Array.from({ length: 50 }, (_, n) => redis.set(`filler:${turn}:${n}`, filler, 'EX', 2));
      // In a cluster two of three are somebody else's: MOVED.
      await Promise.allSettled(some);
      if (await Promise.race([enough, pause(20, false)])) break;
    }
    await redis.config('SET', 'maxmemory', 0);
    return (await told('stats', 'evicted_keys')) - before;
  } finally {
    redis.disconnect();
  }
}

/** Runs a script that does not end, for so long: the server answers BUSY to everything else. */
export async function occupy(server: TestRedis, lasts: Lasting): Promise<void> {
  const redis = adminOf(server);
  // Should its connection be ended, what it sent must not be sent again.
  const other = new Redis(server.url, { retryStrategy: () => null });
  other.on('error', () => {});
  try {
    await redis.config('SET', 'lua-time-limit', 20);
    // It ends with an error, whoever ends it.
    other.eval('while true do end', 0).catch(() => {});
    await over(lasts);
    await redis.script('KILL').catch((error: Error) => {
      // A Sentinel came first, or the server was too busy to begin.
      if (!error.message.startsWith('NOTBUSY')) throw error;
    });
  } finally {
    other.disconnect();
    redis.disconnect();
  }
}
