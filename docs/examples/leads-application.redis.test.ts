import 'reflect-metadata';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { RedisRoles } from '@promptsales/cache-core';
import request from 'supertest';
import type { Leads } from './leads-application.js';

const UUID = '0b0f1c2e-8a53-4c1f-9f0e-3f5a0f6f2d11';

describe('the application of docs/nestjs.md', () => {
  let redis: TestRedis;
  let app: NestFastifyApplication;
  let leads: Leads;

  const get = (path: string) => request(app.getHttpServer()).get(path).expect(200);
  const put = (empresa: string) => request(app.getHttpServer()).put(`/leads/${UUID}`).send({ empresa }).expect(200);

  beforeAll(async () => {
    redis = await startRedis();
    process.env['REDIS_URL'] = redis.url;
    const example = await import('./leads-application.js');
    app = await NestFactory.create<NestFastifyApplication>(example.LeadsApplication, new FastifyAdapter(), {
      logger: ['error'],
    });
    app.enableShutdownHooks();
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    leads = app.get(example.Leads);
    await app.get(RedisRoles).link('cache').untilUp(30_000);
  });

  afterAll(async () => {
    delete process.env['REDIS_URL'];
    await app.close();
  });

  it('answers from the cache until something is written through it', async () => {
    await put('Peña S.A.');
    expect((await get(`/leads/${UUID}`)).body).toEqual({ uuid: UUID, empresa: 'Peña S.A.' });
    leads.table.set(UUID, { uuid: UUID, empresa: 'written past the cache' });
    expect((await get(`/leads/${UUID}`)).body).toMatchObject({ empresa: 'Peña S.A.' });
    await put('Acme');
    expect((await get(`/leads/${UUID}`)).body).toMatchObject({ empresa: 'Acme' });
  });

  it('says where a route’s answer came from, and forgets it with its tag', async () => {
    const first = await get('/leads');
    expect(first.headers).toMatchObject({ 'x-cache': 'MISS', 'cache-status': 'promptsales; fwd=miss; stored' });
    const second = await get('/leads');
    expect(second.headers).toMatchObject({ 'x-cache': 'HIT', age: expect.stringMatching(/^\d+$/) as string });
    expect(second.body).toEqual(first.body);
    await put('Another');
    const third = await get('/leads');
    expect(third.headers['x-cache']).toBe('MISS');
    expect(third.body).toMatchObject([{ empresa: 'Another' }]);
  });
});
