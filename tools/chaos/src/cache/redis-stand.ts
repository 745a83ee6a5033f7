/** The Redis servers that a topology consists of, as faults need them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisHome } from '@promptsales/cache-core';
import {
  startRedis,
  startRedisCluster,
  startRedisSentinels,
  type TestRedis,
  type TestRedisCluster,
  type TestRedisSentinels,
} from '@promptsales/test-kit';

export const TOPOLOGIES = ['single', 'sentinel', 'cluster'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

export interface RedisStand {
  readonly home: RedisHome;
  /** Those that hold data, whatever they are at present. */
  readonly servers: readonly TestRedis[];
  /** One that takes writes now. */
  aPrimary(choose: <T>(all: readonly T[]) => T): Promise<TestRedis>;
  /** Hands over in order, from a primary that runs; null where nobody could take over. */
  readonly failOver: ((primary: TestRedis) => Promise<unknown>) | null;
  /** Resolves when another has taken the place of a primary that is gone; null where nobody could. */
  readonly untilReplaced: ((gone: TestRedis) => Promise<unknown>) | null;
  /** The one that would take over. */
  replicaOf(primary: TestRedis): Promise<TestRedis | null>;
  untilWhole(): Promise<void>;
  stop(): Promise<void>;
}

/** A Sentinel takes its time to make a primary that was replaced into a replica. */
const WHOLE_WITHIN_MS = 60_000;

const address = ({ port }: TestRedis): { host: string; port: number } => ({ host: '127.0.0.1', port });

export async function startStand(topology: TopologyName): Promise<RedisStand> {
  if (topology === 'single') return ofOne(await startRedis({ appendOnly: true }));
  return topology === 'sentinel'
    ? ofSentinels(await startRedisSentinels({ replicas: 2 }))
    : ofCluster(await startRedisCluster({ nodeTimeoutMs: 1500 }));
}

function ofOne(server: TestRedis): RedisStand {
  return {
    home: { url: server.url },
    servers: [server],
    aPrimary: async () => server,
    failOver: null,
    untilReplaced: null,
    replicaOf: async () => null,
    untilWhole: async () => {},
    stop: () => server.stop(),
  };
}

function ofSentinels(sentinels: TestRedisSentinels): RedisStand {
  return {
    home: { sentinels: sentinels.sentinels.map(address), primaryName: sentinels.name },
    servers: sentinels.servers,
    aPrimary: () => sentinels.primary(),
    failOver: () => sentinels.failOver(),
    untilReplaced: (gone) => sentinels.untilReplaced(gone),
    replicaOf: async (primary) => sentinels.servers.find((one) => one !== primary) ?? null,
    untilWhole: () => sentinels.untilWhole(WHOLE_WITHIN_MS),
    stop: () => sentinels.stop(),
  };
}

function ofCluster(cluster: TestRedisCluster): RedisStand {
  const nodeOf = (server: TestRedis) => {
    const node = cluster.nodes.find((one) => one === server);
    if (node === undefined) throw new Error('no node of this cluster');
    return node;
  };
  return {
    home: { cluster: cluster.nodes.map(address) },
    servers: cluster.nodes,
    aPrimary: async (choose) => choose(await cluster.primaries()),
    failOver: (primary) => cluster.failOver(nodeOf(primary)),
    untilReplaced: async (gone) => {
      while ((await cluster.primaries()).some((one) => one === gone)) await pause(50);
    },
    replicaOf: (primary) => cluster.replicaOf(nodeOf(primary)),
    untilWhole: () => cluster.untilWhole(WHOLE_WITHIN_MS),
    stop: () => cluster.stop(),
  };
}
