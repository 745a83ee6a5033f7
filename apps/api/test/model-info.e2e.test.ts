import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { ModelInfos } from '@promptsales/llm-cache';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

interface Info {
  readonly provider: string;
  readonly model: string;
  readonly status: string;
  readonly last_check: string;
  readonly avg_response_time: number | null;
}

const STATUS: Record<string, number> = { gone: 404, closed: 401, busy: 429, broken: 500 };

describe('whether models can be had', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let provider: Server;
  let api: TestApi;
  let acme: Record<string, string>;
  const asked: string[] = [];

  const show = (model: string, headers: Record<string, string> = {}, from = 'openai') =>
    request(api.server)
      .get(`/v1/models/info/${from}/${encodeURIComponent(model)}`)
      .set({ ...acme, ...headers });

  beforeAll(async () => {
    provider = createServer((incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url}`);
      const model = decodeURIComponent(incoming.url?.split('/').at(-1) ?? '');
      response.writeHead(STATUS[model] ?? 200, { 'content-type': 'application/json' });
      response.end(
        incoming.method === 'GET'
          ? JSON.stringify({ id: model, object: 'model' })
          : JSON.stringify({
              object: 'list',
              data: [{ object: 'embedding', index: 0, embedding: [1] }],
              model: 'small',
            }),
      );
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    [redis, database] = await Promise.all([startRedis(), createDatabase()]);
    const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
    api = await testApi({
      REDIS_URL: redis.url,
      DATABASE_URL: database.url,
      OPENAI_BASE_URL: url,
      OPENAI_API_KEY: 'sk',
    });
    acme = await api.keyOf('acme', ['llm', 'cache']);
  });
  afterAll(async () => {
    await api.close();
    await redis.kill();
    await database.drop();
    provider.close();
  });
  beforeEach(() => {
    asked.length = 0;
  });

  it('is asked of the provider, and known for an hour', async () => {
    const first = await show('org/model:1').expect(200);
    expect(first.body).toEqual({
      provider: 'openai',
      model: 'org/model:1',
      status: 'available',
      last_check: expect.stringMatching(/Z$/),
      avg_response_time: expect.any(Number),
    });
    expect((await show('org/model:1')).body).toEqual(first.body);
    expect((await show('org/model:1')).headers['x-cache']).toBe('HIT');
    expect(asked).toEqual(['GET /v1/models/org%2Fmodel%3A1']);
    const again = (await show('org/model:1', { 'cache-control': 'no-cache' })).body as Info;
    expect(Date.parse(again.last_check)).toBeGreaterThanOrEqual(Date.parse((first.body as Info).last_check));
    const kept = await request(api.server)
      .get('/v1/keyspace/explain?key=tenant:acme:model_info:openai:org%252Fmodel%253A1')
      .set(acme);
    expect(kept.status).toBe(200);
  });

  it.each([
    ['gone', 'unknown'],
    ['closed', 'unauthorized'],
    ['busy', 'limited'],
    ['broken', 'unavailable'],
  ])('is told of a provider that says no: %s', async (model, status) => {
    expect((await show(model).expect(200)).body).toMatchObject({ status });
  });

  it('is nobody’s where no such provider is configured', async () => {
    await show('gpt-4o', {}, 'nobody').expect(404);
    await show('claude', {}, 'anthropic').expect(404);
    expect(asked).toEqual([]);
  });

  it('is listed for the models that a tenant uses, and brought up to date for all', async () => {
    const embeddings = { model: 'small', input: 'x' };
    await request(api.server).post('/v1/embeddings').set(acme).send(embeddings).expect(200);
    const list = async () =>
      ((await request(api.server).get('/v1/models/info').set(acme).expect(200)).body as { models: Info[] }).models;
    const [info, ...more] = await list();
    expect([info, more]).toEqual([
      expect.objectContaining({ provider: 'openai', model: 'small', status: 'available' }),
      [],
    ]);
    asked.length = 0;
    await list();
    expect(asked).toEqual([]);
    expect(await api.app.get(ModelInfos, { strict: false }).refresh()).toEqual({ models: 1, unavailable: 0 });
    expect(asked).toEqual(['GET /v1/models/small']);
    const other = await api.keyOf('globex', ['llm']);
    expect((await request(api.server).get('/v1/models/info').set(other).expect(200)).body).toEqual({ models: [] });
  });
});
