import 'reflect-metadata';
import { Controller, Get, Module, Param, UseFilters } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cacheable, CacheCoreModule, keyspace, SegmentShapeFilter } from '../../src/index.js';

const UUID = '0b0f1c2e-8a53-4c1f-9f0e-3f5a0f6f2d11';

class Leads {
  @Cacheable(keyspace.lead, { key: (uuid: string) => ({ uuid }) })
  async find(uuid: string): Promise<{ uuid: string }> {
    return { uuid };
  }

  @Cacheable(keyspace.lead, { key: (_uuid: string) => ({ uuid: UUID }), ignores: ['0'] })
  async broken(_uuid: string): Promise<{ uuid: string }> {
    return 'no lead' as never;
  }
}

function routes(path: string, ...decorators: ClassDecorator[]) {
  @Controller(path)
  class Routes {
    constructor(readonly leads: Leads) {}

    @Get(':uuid')
    find(@Param('uuid') uuid: string): Promise<unknown> {
      return this.leads.find(uuid);
    }

    @Get(':uuid/broken')
    broken(@Param('uuid') uuid: string): Promise<unknown> {
      return this.leads.broken(uuid);
    }
  }
  for (const decorate of decorators) decorate(Routes);
  return Routes;
}

// Nobody is there: what a segment may be is known without Redis.
const CACHE = CacheCoreModule.forRoot({ redis: { url: 'redis://127.0.0.1:1' } });

@Module({
  imports: [CACHE],
  controllers: [routes('filtered', UseFilters(SegmentShapeFilter)), routes('plain')],
  providers: [Leads],
})
class SomeFiltered {}

@Module({
  imports: [CACHE],
  controllers: [routes('filtered')],
  providers: [Leads, { provide: APP_FILTER, useClass: SegmentShapeFilter }],
})
class AllFiltered {}

describe.each([SomeFiltered, AllFiltered])('SegmentShapeFilter in %p', (application) => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    app = await NestFactory.create<NestFastifyApplication>(application, new FastifyAdapter(), { logger: false });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(() => app.close());

  const get = (url: string) => app.inject({ method: 'GET', url });

  it('trap 12: answers 400 with problem details to a segment of the wrong shape', async () => {
    const answer = await get('/filtered/nope?secret=1');
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toEqual({
      type: 'urn:promptsales:error:segment_shape',
      title: expect.any(String),
      status: 400,
      detail: expect.stringContaining('uuid takes'),
      instance: '/filtered/nope',
      code: 'segment_shape',
    });
  });

  it('leaves what is well, and what is a defect, as it is', async () => {
    expect((await get(`/filtered/${UUID}`)).json()).toEqual({ uuid: UUID });
    const defect = await get(`/filtered/${UUID}/broken`);
    expect([defect.statusCode, defect.json()]).toEqual([500, { statusCode: 500, message: 'Internal server error' }]);
    if (application === SomeFiltered) expect((await get('/plain/nope')).statusCode).toBe(500);
  });
});
