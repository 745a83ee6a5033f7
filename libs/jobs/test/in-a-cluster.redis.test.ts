import { Locks, RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { createDatabase, startRedisCluster, type TestDatabase, type TestRedisCluster } from '@promptsales/test-kit';
import { Cluster } from 'ioredis';
import { GenerationWorker } from '../src/generation-worker.js';
import { JOBS_MIGRATIONS } from '../src/jobs-migrations.js';
import type { JobTables } from '../src/store/job-tables.js';

const MESSAGES = [{ numero: 1, texto: 'Hola', tono: 'cercano' }];

describe('jobs on Redis Cluster, behind a KEY_PREFIX', () => {
  let cluster: TestRedisCluster;
  let testDatabase: TestDatabase;

  beforeAll(async () => {
    [cluster, testDatabase] = await Promise.all([startRedisCluster(), createDatabase()]);
  });
  afterAll(async () => {
    await Promise.all([cluster.stop(), testDatabase.drop()]);
  });

  test('go from the intake to the copies, each of whose parts lies in one slot', async () => {
    const seeds = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const silent = { info: () => undefined, warn: () => undefined };
    const database = await Database.start({ url: testDatabase.url, migrations: [JOBS_MIGRATIONS], log: silent });
    const roles = new RedisRoles({ cluster: seeds, times: { commandTimeoutMs: 10_000 } }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    let number = 0;
    const locks = new Locks(roles, { keyPrefix: 'ps:', fencing: { next: () => Promise.resolve((number += 1)) } });
    const failures: unknown[] = [];
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    const worker = new GenerationWorker({
      roles,
      database,
      locks,
      generator: {
        generate: () =>
          Promise.resolve({
            content: JSON.stringify({ mensajes: MESSAGES }),
            model: 'm',
            tokensTotal: 1,
            costTotalUsd: null,
          }),
      },
      tenants: () => Promise.resolve(['default']),
      settings: { keyPrefix: 'ps:', ttls: {}, concurrency: 2, stalledAfterMs: 60_000, runs: {} },
      observer: { ended: (how) => end(how) },
      failed: (error) => failures.push(error),
    });
    const raw = new Cluster(seeds);
    await raw.lpush('ps:queue:ai_generation:high', JSON.stringify({ campana_id: 'c', segmento: 'x' }));
    worker.start();
    expect(await ended).toBe('completed');
    const { segmento_hash: hash } = await database
      .as<JobTables>()
      .selectFrom('campaign_messages')
      .select('segmento_hash')
      .executeTakeFirstOrThrow();
    const items = await raw.lrange(`ps:ai:campaign_messages:c:${hash}`, 0, -1);
    expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(MESSAGES);
    expect(await raw.hget(`ps:ai:generation:meta:c:${hash}`, 'tokens_total')).toBe('1');
    expect(await raw.exists('ps:bull:{jobs}:ai_generation:meta')).toBe(1);
    expect(failures).toEqual([]);
    await worker.stop();
    raw.disconnect();
    locks.close();
    await Promise.all([roles.close(), database.close()]);
  });
});
