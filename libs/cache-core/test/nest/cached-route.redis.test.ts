import 'reflect-metadata';
import { Body, Controller, Get, Module, Param, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { until } from '@promptsales/test-kit';
import request from 'supertest';
import { Cache, CacheCoreModule, CachedRoute, keyspace, RedisRoles } from '../../src/index.js';
import { PATIENT_WITH_OUTAGES, type RedisPlace } from '../redis-place.js';
import { EVERY_PLACE } from '../stage.js';

let handled = 0;
let failing = false;

@Controller()
class Routes {
  @Get('values/:name')
  @CachedRoute(keyspace.appValue, {
    key: ({ params, query }) => ({ key: `${params['name']} ${String(query['locale'])}` }),
    tenant: (its) => (its as { headers: Record<string, string> }).headers['x-tenant'] ?? 'default',
    tags: ({ params }) => [`name ${params['name']}`],
    ignores: ['query.utm'],
  })
  value(@Param('name') name: string, @Query('locale') locale: string, @Query('utm') _utm: string): unknown {
    handled += 1;
    if (failing) throw new Error('the origin is down');
    return { name, locale, handled };
  }

  @Get('uncovered/:name')
  @CachedRoute(keyspace.appValue, { key: ({ params }) => ({ key: `uncovered ${params['name']}` }) })
  uncovered(@Param('name') name: string, @Query('locale') locale: string): unknown {
    return { name, locale };
  }

  @Get('tagged')
  @CachedRoute(keyspace.appValue, {
    key: () => ({ key: 'tagged' }),
    tags: () => Array.from({ length: 40 }, (_, n) => `t${n}`),
  })
  tagged(): unknown {
    handled += 1;
    return {};
  }

  @Post('lookups')
  @CachedRoute(keyspace.appValue, { key: ({ body }) => ({ key: `lookup ${(body as { id: string }).id}` }) })
  lookup(@Body() body: { id: string; secret?: string }): unknown {
    return body.id === 'deep' ? { secret: body.secret ?? null } : { id: body.id };
  }
}

describe.each(EVERY_PLACE)('a cached route on %s', (_place, startPlace) => {
  let redis: RedisPlace;
  let app: NestFastifyApplication;

  const get = (path: string, headers: Record<string, string> = {}) =>
    request(app.getHttpServer()).get(path).set(headers);
  const cacheOf = ({ headers }: request.Response) => headers['x-cache'] as string;

  beforeAll(async () => {
    redis = await startPlace();
    @Module({
      imports: [CacheCoreModule.forRoot({ redis: { ...redis.home, layout: 'single', times: PATIENT_WITH_OUTAGES } })],
      controllers: [Routes],
    })
    class Application {}
    app = await NestFactory.create<NestFastifyApplication>(Application, new FastifyAdapter(), { logger: false });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    await app.get(RedisRoles).link('cache').untilUp(60_000);
  });

  afterAll(async () => {
    await app.close();
    await redis.stop();
  });

  beforeEach(() => {
    handled = 0;
    failing = false;
  });

  it('is handled once and answered from the cache afterwards, whatever is declared to make no difference', async () => {
    const first = await get('/values/a?locale=es&utm=1').expect(200);
    expect(first.headers).toMatchObject({ 'x-cache': 'MISS', 'cache-status': 'promptsales; fwd=miss; stored' });
    const second = await get('/values/a?locale=es&utm=2').expect(200);
    expect(second.body).toEqual({ name: 'a', locale: 'es', handled: 1 });
    expect(second.headers['cache-status']).toMatch(/^promptsales; hit; ttl=35\d\d$/);
    expect(cacheOf(await get('/values/a?locale=en'))).toBe('MISS');
  });

  it('trap 18: is handled once for simultaneous callers', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/values/together?locale=es')));
    expect(handled).toBe(1);
    expect(answers.filter((answer) => cacheOf(answer) === 'MISS')).toHaveLength(1);
  });

  it('does as its callers say', async () => {
    const path = '/values/b?locale=es';
    const absent = await get(path, { 'cache-control': 'only-if-cached' });
    expect([absent.status, absent.body]).toEqual([504, expect.objectContaining({ code: 'not_cached' })]);
    expect((await get(path, { 'cache-control': 'no-store' })).headers).toMatchObject({
      'x-cache': 'BYPASS',
      'cache-status': 'promptsales; fwd=bypass; detail=bypass; promptsales-reason=no-store',
    });
    expect((await get(path, { 'cache-control': 'only-if-cached' })).status).toBe(504);
    expect(cacheOf(await get(path, { 'x-cache-ttl': '1000' }))).toBe('MISS');
    expect((await get(path)).headers['cache-status']).toMatch(/ttl=(1000|9\d\d)$/);
    const anew = await get(path, { 'cache-control': 'no-cache' });
    expect([cacheOf(anew), (anew.body as { handled: number }).handled]).toEqual(['REFRESH', 3]);
    expect((await get(path, { 'cache-control': 'only-if-cached' })).body).toEqual(anew.body);
    expect(cacheOf(await get(path, { 'cache-control': 'max-age=3600' }))).toBe('HIT');
  });

  it('serves what is stale where its caller takes it: while it is loaded anew, or when that fails', async () => {
    const path = '/values/stale?locale=es';
    const directives = (text: string) => ({ 'cache-control': text });
    await get(path);
    // Its age is reckoned by an estimate of Redis's clock, which may have got better in between.
    await until(async () => (await get(path, directives('max-age=0, only-if-cached'))).status === 504);
    const whileLoading = await get(path, directives('max-age=0, stale-while-revalidate=60'));
    expect(whileLoading.headers).toMatchObject({
      'x-cache': 'STALE',
      'cache-status': expect.stringMatching(/ttl=(0|-\d+); detail=stale/) as string,
    });
    const stored = async (): Promise<{ handled: number }> => (await get(path, directives('only-if-cached'))).body;
    await until(async () => (await stored()).handled === 2);
    failing = true;
    await get(path, directives('max-age=0')).expect(500);
    const afterFailure = await get(path, directives('max-age=0, stale-if-error=60')).expect(200);
    expect(cacheOf(afterFailure)).toBe('STALE');
  });

  it.each([
    { 'cache-control': 'max-age' },
    { 'x-cache-ttl': '0' },
    { 'x-cache-ttl': '99999999' },
    { 'x-cache-tags': 'two words' },
  ])('refuses %j before anything is handled', async (headers) => {
    const answer = await get('/values/c?locale=es', headers);
    expect([answer.status, handled]).toEqual([400, 0]);
  });

  it('refuses tags of its caller that do not fit beside its own', async () => {
    const tags = (count: number) => Array.from({ length: count }, (_, n) => `mine${n}`).join();
    expect((await get('/tagged', { 'x-cache-tags': tags(25) })).status).toBe(400);
    expect(handled).toBe(0);
    expect((await get('/tagged', { 'x-cache-tags': tags(24) })).status).toBe(200);
  });

  it('trap 15: keeps no failure', async () => {
    failing = true;
    await get('/values/d?locale=es').expect(500);
    failing = false;
    expect(cacheOf(await get('/values/d?locale=es').expect(200))).toBe('MISS');
  });

  it('trap 8: is handled without Redis, and says so', async () => {
    redis.freeze();
    const { headers } = await get('/values/frozen?locale=es').expect(200);
    expect(headers).toMatchObject({
      'x-cache': 'MISS',
      'cache-status': 'promptsales; fwd=miss; promptsales-reason=redis-unavailable',
    });
    redis.thaw();
    await app.get(RedisRoles).link('cache').untilUp(60_000);
  });

  it('trap 7: keeps tenants apart, and fails where it reads more than its key', async () => {
    await get('/values/e?locale=es', { 'x-tenant': 'acme' });
    expect(cacheOf(await get('/values/e?locale=es', { 'x-tenant': 'other' }))).toBe('MISS');
    await get('/uncovered/a?locale=es').expect(500);
    const post = (body: object) => request(app.getHttpServer()).post('/lookups').send(body);
    await post({ id: 'plain', secret: 'x' }).expect(201);
    await post({ id: 'deep', secret: 'x' }).expect(500);
  });

  it('trap 1: forgets its answers by the tags of route and caller', async () => {
    const path = '/values/f?locale=es';
    const forget = (tag: string) => app.get(Cache).invalidateTag(tag);
    await get(path, { 'x-cache-tags': 'mine' });
    await forget('mine');
    expect(cacheOf(await get(path))).toBe('MISS');
    await forget('name f');
    expect(cacheOf(await get(path))).toBe('MISS');
    await forget('name g');
    expect(cacheOf(await get(path))).toBe('HIT');
  });
});
