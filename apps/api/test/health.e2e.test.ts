import { startPostgres, startRedis, type TestPostgres, type TestRedis } from '@promptsales/test-kit';
import { setTimeout as pause } from 'node:timers/promises';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

describe('health on real servers', () => {
  let redis: TestRedis;
  let postgres: TestPostgres;
  let api: TestApi;

  beforeAll(async () => {
    [redis, postgres] = await Promise.all([startRedis({ appendOnly: true }), startPostgres()]);
    api = await testApi({ REDIS_URL: redis.url, DATABASE_URL: postgres.url });
  });

  afterAll(async () => {
    redis.thaw();
    postgres.thaw();
    await api.close();
  });

  interface Answer {
    readonly status: number;
    readonly body: Record<string, unknown>;
  }

  async function get(path: string, key = false): Promise<Answer> {
    const asked = request(api.server).get(path);
    const { status, body } = await (key ? asked.set(api.admin) : asked);
    return { status, body: body as Record<string, unknown> };
  }

  /**
   * Whether it takes longer than Kubernetes gives a probe by default: a second, in small parts, each of which counts once however
   * late this process hears of it.
   */
  async function isLate(probe: Promise<unknown>): Promise<boolean> {
    const second = async (): Promise<boolean> => {
      for (let part = 0; part < 40; part += 1) await pause(25);
      return true;
    };
    return Promise.race([probe.then(() => false), second()]);
  }

  /** Waits for a condition that a real server brings about in its own time. */
  async function until(path: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
    for (;;) {
      const answer = await get(path);
      if (wanted(answer)) return answer;
      await pause(50);
    }
  }

  const healthy = (answer: Answer): boolean => answer.body['status'] === 'healthy';

  it('is healthy with both, and shows the figures of Redis to a holder of a key', async () => {
    await until('/health', healthy);
    expect(await get('/health/redis', true)).toMatchObject({
      status: 200,
      body: {
        status: 'healthy',
        timestamp: expect.stringMatching(/Z$/),
        ping_time_ms: expect.any(Number),
        memory_usage_percent: null,
        used_memory_mb: expect.any(Number),
        connected_clients: expect.any(Number),
        redis_version: expect.stringMatching(/^\d+\.\d+/),
        uptime_seconds: expect.any(Number),
        servers: [{ roles: expect.arrayContaining(['llm', 'sessions']), eviction: 'safe' }],
      },
    });
    expect((await get('/health/redis')).body).not.toHaveProperty('redis_version');
  });

  it('trap 29: a killed Redis degrades, leaves every probe but its own at 200, and is used when it comes back', async () => {
    await redis.kill();
    await until(
      '/health',
      ({ status, body }) =>
        status === 200 &&
        body['status'] === 'degraded' &&
        body['redis'] === 'disconnected' &&
        body['database'] === 'connected',
    );
    expect((await get('/health/live')).status).toBe(200);
    expect(await get('/health/ready')).toMatchObject({ status: 200, body: { status: 'ready', redis: 'disconnected' } });
    expect(await get('/health/redis')).toMatchObject({ status: 503, body: { status: 'unhealthy' } });
    await redis.restart();
    await until('/health', healthy);
  });

  it('trap 29: with Redis frozen every probe answers within its time', async () => {
    redis.freeze();
    for (const path of ['/health/live', '/health/ready', '/health', '/health/redis']) {
      expect({ path, late: await isLate(get(path)) }).toEqual({ path, late: false });
    }
    await until('/health', ({ status, body }) => status === 200 && body['redis'] === 'disconnected');
    redis.thaw();
    await until('/health', healthy);
  });

  it('trap 29: with PostgreSQL frozen every probe answers within its time, and readiness holds', async () => {
    postgres.freeze();
    for (const path of ['/health/live', '/health/ready', '/health', '/health/redis']) {
      expect({ path, late: await isLate(get(path)) }).toEqual({ path, late: false });
    }
    await until(
      '/health',
      ({ status, body }) =>
        status === 200 &&
        body['status'] === 'degraded' &&
        body['database'] === 'disconnected' &&
        body['redis'] === 'connected',
    );
    expect((await get('/health/ready')).status).toBe(200);
    postgres.thaw();
    await until('/health', healthy);
  });

  it('is unhealthy with both gone, still alive and still ready, and says no secret of either', async () => {
    await Promise.all([redis.kill(), postgres.kill()]);
    const both = await until('/health', ({ status }) => status === 503);
    expect(both.body).toMatchObject({ status: 'unhealthy', redis: 'disconnected', database: 'disconnected' });
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
    const password = new URL(postgres.url).password;
    expect(JSON.stringify((await get('/health', true)).body)).not.toContain(`:${password}@`);
    await Promise.all([redis.restart(), postgres.restart()]);
    await until('/health', healthy);
  });
});

describe('eviction on a real server', () => {
  it('reports roles at risk, or refuses to start where that was asked for', async () => {
    const redis = await startRedis({ args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] });
    const api = await testApi({ REDIS_URL: redis.url });
    const { body } = await request(api.server).get('/health/redis').set(api.admin).expect(200);
    expect(body).toMatchObject({
      status: 'degraded',
      memory_usage_percent: expect.any(Number),
      error: expect.stringContaining('sessions'),
      servers: [{ eviction: 'unsafe', maxmemory_policy: 'allkeys-lru' }],
    });
    expect(api.logged()).toContain('REDIS_URL_<ROLE>');
    await api.close();
    await expect(testApi({ REDIS_URL: redis.url, REQUIRE_SAFE_EVICTION: 'true' })).rejects.toMatchObject({
      code: 'unsafe_eviction',
    });
  });
});

describe('Redis absent at start', () => {
  it('starts without it, says degraded, and uses it when it appears', async () => {
    const redis = await startRedis();
    await redis.kill();
    const api = await testApi({ REDIS_URL: redis.url, REQUIRE_SAFE_EVICTION: 'true' }, false);
    const { body } = await request(api.server).get('/health').expect(200);
    expect(body).toMatchObject({ status: 'degraded', redis: 'disconnected' });
    await request(api.server).get('/health/ready').expect(200);
    await redis.restart();
    for (;;) {
      const answer = await request(api.server).get('/health');
      if (Reflect.get(answer.body as object, 'redis') === 'connected') break;
      await pause(50);
    }
    await api.close();
  });
});
