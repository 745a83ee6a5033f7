export { tryLock, withLock } from './file-lock.mjs';
export { ManagedProcess, endWithThisProcess, lastLines } from './managed-process.mjs';
export { freePort, isPortFree } from './ports.mjs';
export { canEnter, findPostgres, PostgresNotFoundError, serverUser } from './postgres-binary.mjs';
export { endOrphanedPostgres, LocalPostgres, startPostgresServer } from './postgres-server.mjs';
export { commandLineOf, isAlive } from './process-table.mjs';
export { findRedis, findRedisCli, RedisNotFoundError } from './redis-binary.mjs';
export { endOrphanedRedis, LocalRedis, startRedisServer } from './redis-server.mjs';
