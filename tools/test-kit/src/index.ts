export { freePort } from '@promptsales/local-services';
export { createDatabase, startPostgres, type TestDatabase, type TestPostgres } from './postgres.js';
export { startRedis, type StartRedisOptions, type TestRedis } from './redis.js';
