import { setTimeout as pause } from 'node:timers/promises';
import { startRedis, startRedisCluster } from '@promptsales/test-kit';
import { Cluster, Redis } from 'ioredis';
import type { RedisHome } from '../src/index.js';

/** However long this machine or its disk keeps Redis from its work, what works is not held for dead. */
export const PATIENT = { commandTimeoutMs: 10_000 };
/** The same where a test freezes Redis, and waits until that is noticed. */
export const PATIENT_WITH_OUTAGES = { commandTimeoutMs: 5000 };

/** Somewhere to keep keys, one server or a cluster, and what a test does behind the platform's back there. */
export interface RedisPlace {
  readonly home: RedisHome;
  /** Any command about one key. */
  readonly raw: Redis | Cluster;
  keys(glob: string): Promise<string[]>;
  /** Those of these keys that exist. */
  existing(...keys: string[]): Promise<string[]>;
  flush(): Promise<void>;
  config(name: string, value: string): Promise<void>;
  /** Changes what the platform's user may do, on every server. */
  rule(rule: string): Promise<void>;
  /** Somebody's script that does not end, on every server: they answer BUSY to all else. What it returns ends it. */
  occupy(): Promise<() => Promise<void>>;
  /** What `work` makes Redis execute: each command and how often. */
  commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>>;
  freeze(): void;
  thaw(): void;
  /** Kills the server that has this key, and starts it again with what it had written down. */
  restart(key: string): Promise<void>;
  stop(): Promise<void>;
}

export interface OneServer extends RedisPlace {
  readonly url: string;
}

export async function oneServer(): Promise<OneServer> {
  const redis = await startRedis({ appendOnly: true });
  const raw = new Redis(redis.url);
  // A test that kills the server knows it.
  raw.on('error', () => undefined);
  return {
    url: redis.url,
    home: { url: redis.url },
    raw,
    keys: (glob) => raw.keys(glob),
    existing: (...keys) => existing(raw, keys),
    flush: async () => void (await raw.flushdb()),
    config: async (name, value) => void (await raw.config('SET', name, value)),
    rule: async (rule) => void (await raw.call('ACL', 'SETUSER', 'default', rule)),
    occupy: () => occupy([raw]),
    commandsOf: (work) => commandsOf([raw], work),
    freeze: () => redis.freeze(),
    thaw: () => redis.thaw(),
    restart: async () => {
      await redis.kill();
      await redis.restart();
    },
    stop: async () => {
      raw.disconnect();
      await redis.kill();
    },
  };
}

export async function aCluster(): Promise<RedisPlace> {
  // Frozen as a whole it is to wake up as it was, and a node that is restarted is to be itself again.
  const cluster = await startRedisCluster({ replicasEach: 0, nodeTimeoutMs: 20_000, args: ['--appendonly', 'yes'] });
  const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  // A node that was restarted refuses its keys for a while.
  const raw = new Cluster(nodes, { maxRedirections: 100 });
  raw.on('error', () => undefined);
  const each = async <T>(ask: (client: Redis) => Promise<T>): Promise<T[]> => Promise.all(raw.nodes('master').map(ask));
  await new Promise((resolve) => raw.once('ready', resolve));
  return {
    home: { cluster: nodes },
    raw,
    keys: async (glob) => (await each((client) => client.keys(glob))).flat(),
    existing: (...keys) => existing(raw, keys),
    flush: async () => void (await each((client) => client.flushdb())),
    config: async (name, value) => void (await each((client) => client.config('SET', name, value))),
    rule: async (rule) => void (await each((client) => client.call('ACL', 'SETUSER', 'default', rule))),
    occupy: () => occupy(raw.nodes('master')),
    commandsOf: (work) => commandsOf(raw.nodes('master'), work),
    freeze: () => cluster.nodes.forEach((node) => node.freeze()),
    thaw: () => cluster.nodes.forEach((node) => node.thaw()),
    restart: async (key) => {
      const node = await cluster.primaryOf(key);
      await node.kill();
      await node.restart();
    },
    stop: async () => {
      raw.disconnect();
      await cluster.stop();
    },
  };
}

async function existing(raw: Redis | Cluster, keys: readonly string[]): Promise<string[]> {
  const found = await Promise.all(keys.map((key) => raw.exists(key)));
  return keys.filter((_, at) => found[at] === 1);
}

async function occupy(nodes: readonly Redis[]): Promise<() => Promise<void>> {
  const others = nodes.map((node) => node.duplicate());
  await Promise.all(nodes.map((node) => node.config('SET', 'lua-time-limit', '1')));
  for (const other of others) other.eval('while true do end', 0).catch(() => undefined);
  const untilAll = async (busy: boolean): Promise<void> => {
    const isBusy = (node: Redis): Promise<boolean> => node.ping().then(() => false, isBusyReply);
    for (const node of nodes) while ((await isBusy(node)) !== busy) await pause(1);
  };
  await untilAll(true);
  return async () => {
    await Promise.all(nodes.map((node) => node.script('KILL')));
    await untilAll(false);
    await Promise.all(nodes.map((node) => node.config('SET', 'lua-time-limit', '5000')));
    for (const other of others) other.disconnect();
  };
}

function isBusyReply(error: Error): boolean {
  return error.message.startsWith('BUSY ');
}

async function commandsOf(nodes: readonly Redis[], work: () => Promise<unknown>): Promise<Record<string, number>> {
  await Promise.all(nodes.map((node) => node.config('RESETSTAT')));
  await work();
  const stats = await Promise.all(nodes.map((node) => node.info('commandstats')));
  const counts: Record<string, number> = {};
  for (const [, name, calls] of stats.join('\n').matchAll(/^cmdstat_(\w+):calls=(\d+),/gm)) {
    counts[name as string] = (counts[name as string] ?? 0) + Number(calls);
  }
  return counts;
}
