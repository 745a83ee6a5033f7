import { setTimeout as pause } from 'node:timers/promises';
import { RedisRoles } from '@promptsales/cache-core';
import { type TestApi } from '../test-api.js';
import { onConfigurations } from './stage.js';

onConfigurations('configuration', (stage) => {
  const { raw, get, post, remove } = stage;

  it('goes to PostgreSQL while Redis is away, and is never older afterwards', async () => {
    await post('/api/providers/github', { user: 'before' }).expect(201);
    await get('/api/providers/github', stage.records, stage.other).expect(200);
    await stage.redis.kill();
    await post('/api/providers/github', { user: 'meanwhile' }).expect(200);
    expect((await get('/api/providers/github', stage.records, stage.other).expect(200)).body).toMatchObject({
      user: 'meanwhile',
    });
    expect((await get('/api/cache/stats').expect(200)).body).toEqual({
      success: false,
      total_cached_configs: 0,
      cached_keys: [],
      complete: false,
      redis_info: { connected: false, ttl_seconds: 300 },
    });
    expect((await get('/api/cache/test').expect(200)).body).toMatchObject({ success: false, connected: false });
    expect((await remove('/api/cache/github').expect(202)).body).toEqual({ operations: [], pending: true });
    await remove('/api/cache').expect(202);
    await stage.redis.restart();
    const roles = [stage.api, stage.other].map(({ app }) => app.get(RedisRoles).link('cache'));
    for (;;) {
      for (const on of [stage.api, stage.other]) {
        expect((await get('/api/providers/github', stage.records, on).expect(200)).body).toMatchObject({
          user: 'meanwhile',
        });
      }
      if (roles.every(({ up }) => up)) break;
    }
    await stage.zero.link('cache').untilUp(30_000);
    expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'meanwhile' });
  });

  it('lies in Redis as it was committed last, whoever of two writers comes to Redis last', async () => {
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        [stage.api, stage.other].map((on, by) => post('/api/providers/order', { round, by }, stage.records, on)),
      );
      const { body } = await get('/api/providers/order', { ...stage.records, 'cache-control': 'no-store' }).expect(200);
      const { round: at, by } = body as { round: number; by: number };
      expect(await raw('config:order')).toMatchObject({ round: at, by });
    }
  });

  it('is never older than the last acknowledged write, whoever writes and reads where, also with Redis killed', async () => {
    let acknowledged = 0;
    const reads = [0, 0, 0];
    const writing = new AbortController();
    const write = async (): Promise<void> => {
      for (let n = 1; n <= 25; n += 1) {
        await Promise.all([
          post('/api/providers/race', { n }, stage.records, n % 2 === 0 ? stage.api : stage.other),
          post('/api/providers/race', { n }, stage.records, n % 2 === 0 ? stage.other : stage.api),
        ]);
        acknowledged = n;
        const seen = [...reads];
        while (!writing.signal.aborted && reads.some((count, by) => count === seen[by])) await pause(1);
        if (n === 10) await stage.redis.kill();
        if (n === 12) await stage.redis.restart();
      }
      writing.abort();
    };
    const read = async (on: TestApi, by: number): Promise<void> => {
      try {
        while (!writing.signal.aborted) {
          const least = acknowledged;
          const { body, status } = await get('/api/providers/race', stage.records, on);
          if (status === 404) expect(least).toBe(0);
          else expect((body as { n: number }).n).toBeGreaterThanOrEqual(least);
          reads[by] = (reads[by] ?? 0) + 1;
        }
      } finally {
        writing.abort();
      }
    };
    await Promise.all([write(), ...[stage.api, stage.other, stage.other].map(read)]);
  });
});
