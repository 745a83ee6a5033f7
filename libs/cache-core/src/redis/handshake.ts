import type { Redis } from 'ioredis';
import { type RedisClock, timeReplyToMs } from './clock.js';
import { RedisUnavailableError } from './errors.js';

/** Who answers on a fresh connection. */
export interface Greeting {
  /** The database in use: 0 where the server refuses SELECT. */
  readonly database: number;
  /** Names the server process. */
  readonly runId: string | undefined;
  /** The server is a node of a cluster: one command cannot name keys of several slots. */
  readonly clustered: boolean;
  /** It started within the last minute. */
  readonly young: boolean;
}

/**
 * How long after a start of the server others may still have to repeat to it what it lost: they cannot while it loads its
 * data.
 */
const YOUNG_SECONDS = 60;

/** Sends one command on the fresh connection, with a deadline. */
type Ask = <T>(send: (client: Redis) => Promise<T>) => Promise<T>;

/**
 * Makes a fresh connection ready: its database, the server's clock, and who the server is.
 * @throws Error when the server is not one to work with now
 */
export async function greet(
  ask: Ask,
  clock: RedisClock,
  { database, toBePrimary }: { readonly database: number; readonly toBePrimary: boolean },
): Promise<Greeting> {
  const selected = await select(ask, database);
  // The next server may have another clock.
  clock.reset();
  await readClock(ask, clock);
  const info = await ask((client) => client.info('server'));
  const clustered = /^redis_mode:cluster/m.test(info);
  if (clustered) await mustServe(ask);
  if (toBePrimary) await mustBePrimary(ask);
  return { database: selected, runId: runIdIn(info), clustered, young: uptimeIn(info) < YOUNG_SECONDS };
}

/**
 * Whether a young server began with what it had kept, and may lack the last of it. One that began empty, or is empty,
 * has nothing that is out of date.
 */
export async function beganWithData(ask: Ask): Promise<boolean> {
  const info = await ask((client) => client.info());
  if (/^loading:1/m.test(info)) return true;
  if (!/^db\d+:keys=/m.test(info)) return false;
  // Of an append-only file a server does not say how much it has read; before Redis 7 of no file.
  return /^aof_enabled:1/m.test(info) || !/^rdb_last_load_keys_loaded:0\b/m.test(info);
}

export async function readClock(ask: Ask, clock: RedisClock): Promise<void> {
  const sentAt = clock.monotonic();
  const reply = await ask((client) => client.time());
  clock.sample(sentAt, clock.monotonic(), timeReplyToMs(reply));
}

/** What `INFO server` says of who answers. */
export function runIdIn(info: string): string | undefined {
  return /^run_id:(\S+)/m.exec(info)?.[1];
}

function uptimeIn(info: string): number {
  return Number(/^uptime_in_seconds:(\d+)/m.exec(info)?.[1] ?? Infinity);
}

async function select(ask: Ask, database: number): Promise<number> {
  if (database === 0) return 0;
  try {
    await ask((client) => client.select(database));
    return database;
  } catch (error) {
    if (error instanceof RedisUnavailableError || !/\bDB index\b|SELECT is not allowed/i.test(String(error)))
      throw error;
    // Only database 0 exists here (Redis Cluster, some hosted servers). The keyspace has no two patterns that meet.
    return 0;
  }
}

/** A node refuses everything until it has seen enough of its cluster. The hold is to begin when that is over. */
async function mustServe(ask: Ask): Promise<void> {
  const info = await ask((client) => client.cluster('INFO'));
  if (info.includes('cluster_state:fail')) throw new Error('the node does not serve: its cluster is down');
}

/** Sentinels may name one that has just been demoted, or is not promoted yet. */
async function mustBePrimary(ask: Ask): Promise<void> {
  const [role] = (await ask((client) => client.role())) as [string];
  if (role !== 'master') throw new Error('the server that the Sentinels name is a replica');
}
