import type { RedisHome } from '@promptsales/cache-core';
import { startRedis, startRedisCluster } from '@promptsales/test-kit';

/** Where a suite runs that claims the same of one server and of a cluster. */
export interface RedisPlace {
  readonly home: RedisHome;
  stop(): Promise<void>;
}

export const REDIS_PLACES: readonly (readonly [name: string, start: () => Promise<RedisPlace>])[] = [
  ['one server', oneServer],
  ['a cluster', aCluster],
];

async function oneServer(): Promise<RedisPlace> {
  const redis = await startRedis();
  return { home: { url: redis.url }, stop: () => redis.stop() };
}

async function aCluster(): Promise<RedisPlace> {
  // A machine that is busy otherwise is no node that has died.
  const { nodes } = await startRedisCluster({ replicasEach: 0, nodeTimeoutMs: 10_000 });
  return {
    home: { cluster: nodes.map(({ port }) => ({ host: '127.0.0.1', port })) },
    stop: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
  };
}
