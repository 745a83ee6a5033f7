import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  HealthModule,
  MetricsRegistry,
  Readiness,
  type Condition,
  type HealthOptions,
  type RedisEndpoint,
} from '../src/index.js';

@Module({})
class Root {}

const info = (extra = ''): string =>
  `redis_version:7.0.15\r\nrun_id:abc\r\nuptime_in_seconds:17\r\nconnected_clients:3\r\nused_memory:3145728\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n${extra}`;

/** The parts of the world that health reports on, each of which a test can break. */
class World {
  redisInfo: () => Promise<string> = () => Promise.resolve(info());
  redisUp = true;
  database: () => Promise<void> = () => Promise.resolve();
  spool: Condition = { status: 'up', detail: {} };
  redisAsked = 0;
  readonly readiness = new Readiness();
  readonly warnings: string[] = [];

  endpoint(role: string, mayBeEvicted: boolean): RedisEndpoint {
    const up = (): boolean => this.redisUp;
    return {
      roles: [{ name: role, mayBeEvicted }],
      get up() {
        return up();
      },
      lastError: 'connect ECONNREFUSED 10.1.2.3:6379',
      info: () => {
        this.redisAsked += 1;
        return this.redisInfo();
      },
    };
  }

  options(): HealthOptions {
    return {
      service: 'sample',
      version: '1.2.3',
      redis: { endpoints: () => [this.endpoint('llm', true), this.endpoint('sessions', false)] },
      redisOptions: { expectedPolicy: 'allkeys-lru', memoryThresholdPercent: 80, alertOnHighMemory: true },
      database: { ping: () => this.database() },
      contributors: [{ name: 'ledger', condition: () => this.spool }],
      upstream: () => 'simulated',
      readiness: this.readiness,
      checkIntervalMs: 60_000,
      log: { info: () => undefined, warn: (_fields, message) => void this.warnings.push(message) },
      metrics: new MetricsRegistry('sample'),
    };
  }
}

describe('health routes', () => {
  let world: World;
  let app: NestFastifyApplication;

  beforeEach(async () => {
    world = new World();
    const adapter = new FastifyAdapter();
    const instance = adapter.getInstance();
    instance.decorateRequest('principal', null);
    instance.addHook('onRequest', (request, _reply, done) => {
      if (request.headers['x-api-key'] !== undefined) Reflect.set(request, 'principal', {});
      done();
    });
    app = await NestFactory.create<NestFastifyApplication>(
      { module: Root, imports: [HealthModule.forRoot(world.options())] },
      adapter,
      { logger: false, abortOnError: false },
    );
    await app.init();
    await instance.ready();
    world.readiness.started();
  });

  afterEach(() => app.close());

  async function get(url: string, key = false): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await app.inject({ method: 'GET', url, headers: key ? { 'x-api-key': 'k' } : {} });
    return { status: answer.statusCode, body: answer.json() };
  }

  const gone = (): Promise<never> => Promise.reject(new Error('connect ECONNREFUSED 10.1.2.3:5432'));

  it('is healthy when all is well, and says that the upstream is simulated', async () => {
    const { status, body } = await get('/health');
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'healthy',
      database: 'connected',
      redis: 'connected',
      upstream: 'simulated',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it('is degraded, not unhealthy, without Redis or without PostgreSQL', async () => {
    world.redisUp = false;
    expect(await get('/health')).toMatchObject({ status: 200, body: { status: 'degraded', redis: 'disconnected' } });
  });

  it('is degraded without PostgreSQL', async () => {
    world.database = gone;
    expect(await get('/health')).toMatchObject({ status: 200, body: { status: 'degraded', database: 'disconnected' } });
  });

  it('is unhealthy without both, and when a part says it is down', async () => {
    world.redisUp = false;
    world.database = gone;
    expect(await get('/health')).toMatchObject({ status: 503, body: { status: 'unhealthy' } });
  });

  it('is unhealthy when a part can no longer do its work', async () => {
    world.spool = { status: 'down', detail: { spooled: 100_000 } };
    expect(await get('/health')).toMatchObject({ status: 503, body: { status: 'unhealthy', database: 'connected' } });
    expect((await get('/health', true)).body).toMatchObject({ details: { ledger: { spooled: 100_000 } } });
  });

  it('trap 29: liveness and readiness hold with Redis and PostgreSQL gone', async () => {
    world.redisUp = false;
    world.database = gone;
    expect(await get('/health/live')).toEqual({ status: 200, body: { status: 'alive' } });
    expect(await get('/health/ready')).toMatchObject({ status: 200, body: { status: 'ready', health: 'unhealthy' } });
  });

  it('trap 29: liveness asks nothing, and answers while everything is frozen', async () => {
    world.redisInfo = () => new Promise(() => undefined);
    world.database = () => new Promise(() => undefined);
    expect((await get('/health/live')).status).toBe(200);
    expect(world.redisAsked).toBe(0);
  });

  it('trap 29: every probe answers in bounded time while everything is frozen', async () => {
    world.redisInfo = () => new Promise(() => undefined);
    world.database = () => new Promise(() => undefined);
    // Nobody thaws anything: without bounds of their own they would never answer.
    expect((await get('/health/ready')).status).toBe(200);
    expect((await get('/health')).status).toBe(503);
    expect((await get('/health/redis')).status).toBe(503);
  });

  it('is not ready before the start is over nor while draining', async () => {
    world.readiness.draining();
    expect(await get('/health/ready')).toEqual({ status: 503, body: { status: 'draining' } });
  });

  it('tells a stranger nothing about the installation', async () => {
    world.redisUp = false;
    world.database = gone;
    for (const url of ['/health', '/health/ready', '/health/redis']) {
      const text = JSON.stringify((await get(url)).body);
      expect(text).not.toMatch(/10\.1\.2\.3|ECONNREFUSED|7\.0\.15|1\.2\.3|sessions/);
    }
    expect(JSON.stringify((await get('/health', true)).body)).toContain('10.1.2.3:5432');
  });

  it('gives the figures of Redis with a key, unknown as null and one server once', async () => {
    const { status, body } = await get('/health/redis', true);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'healthy',
      timestamp: expect.any(String),
      ping_time_ms: expect.any(Number),
      memory_usage_percent: null,
      used_memory_mb: 3,
      connected_clients: 3,
      redis_version: '7.0.15',
      uptime_seconds: 17,
      servers: [{ roles: ['llm', 'sessions'], eviction: 'safe' }],
    });
    expect(body).not.toHaveProperty('error');
  });

  it('says 503 with an error when Redis is gone', async () => {
    world.redisUp = false;
    const { status, body } = await get('/health/redis', true);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'unhealthy',
      ping_time_ms: null,
      error: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('reports roles at risk of eviction and memory over the threshold', async () => {
    world.redisInfo = () => Promise.resolve(info('maxmemory:3200000\r\nmaxmemory_policy:allkeys-lru\r\n'));
    const { status, body } = await get('/health/redis', true);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'degraded', memory_usage_percent: 98.3 });
    expect(body['error']).toMatch(/sessions.*noeviction.*98\.3 %/s);
    expect((await get('/health')).body).toMatchObject({ status: 'degraded', redis: 'connected' });
  });

  it('asks Redis once for any number of probes at a time', async () => {
    // While the clock stands still the first answer is fresh, however long the twenty take to come.
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    await Promise.all(Array.from({ length: 20 }, () => get('/health/redis')));
    clock.mockRestore();
    expect(world.redisAsked).toBe(2);
  });

  it('serves metrics in the exposition format', async () => {
    const answer = await app.inject({ method: 'GET', url: '/metrics' });
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.body).toContain('nodejs_eventloop_lag_seconds');
    expect(answer.body).toContain('# TYPE http_requests_total counter');
  });
});
