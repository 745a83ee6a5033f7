import { Redis } from 'ioredis';
import { RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { IntakeLists } from '../src/intake/intake-lists.js';
import { JOBS_MIGRATIONS } from '../src/jobs-migrations.js';
import { JobStore } from '../src/store/job-store.js';

/** Redis and PostgreSQL with the tables of jobs, and what stands on them. */
export interface JobsStage {
  readonly redis: TestRedis;
  readonly testDatabase: TestDatabase;
  readonly database: Database;
  readonly roles: RedisRoles;
  readonly store: JobStore;
  readonly lists: IntakeLists;
  /** As an application has it that pushes entries. */
  readonly raw: Redis;
  clear(): Promise<void>;
  stop(): Promise<void>;
}

const openRoles = async (url: string): Promise<RedisRoles> => {
  const roles = new RedisRoles({ url, layout: 'single', times: { holdAfterRestartMs: 0, heartbeatMs: 50 } }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
  return roles;
};

export async function jobsStage(): Promise<JobsStage> {
  const [redis, testDatabase] = await Promise.all([startRedis({ appendOnly: true }), createDatabase()]);
  const silent = { info: () => undefined, warn: () => undefined };
  const database = await Database.start({ url: testDatabase.url, migrations: [JOBS_MIGRATIONS], log: silent });
  const roles = await openRoles(redis.url);
  const raw = new Redis(redis.url);
  return {
    redis,
    testDatabase,
    database,
    roles,
    store: new JobStore(database),
    lists: new IntakeLists(roles),
    raw,
    clear: async () => {
      await raw.flushall();
      for (const table of [
        'generation_job_events',
        'generation_jobs',
        'generation_dead_entries',
        'campaign_messages',
      ]) {
        await database.as<Record<string, Record<string, never>>>().deleteFrom(table).execute();
      }
    },
    stop: async () => {
      raw.disconnect();
      await Promise.all([roles.close(), database.close()]);
      await Promise.all([redis.stop(), testDatabase.drop()]);
    },
  };
}
