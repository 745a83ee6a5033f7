export { freePort } from '@promptsales/local-services';
export { startChangingTools, type ChangingToolsServer } from './changing-tools.js';
export { processorMs } from './processor-time.js';
export { createDatabase, startPostgres, type TestDatabase, type TestPostgres } from './postgres.js';
export { startRedis, type StartRedisOptions, type TestRedis } from './redis.js';
export {
  startRedisCluster,
  type StartRedisClusterOptions,
  type TestClusterNode,
  type TestRedisCluster,
} from './redis-cluster.js';
export { startRedisSentinels, type StartRedisSentinelsOptions, type TestRedisSentinels } from './redis-sentinels.js';
export { until } from './until.js';
