import {
  startCountingProxy,
  startSimulatedProvider,
  type CountingProxy,
  type SimulatedProvider,
} from '@promptsales/simulated-provider';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

describe('providers that are stored as upstreams of the gateway', () => {
  let provider: SimulatedProvider;
  /** What reaches each address. */
  let ofEnvironment: CountingProxy;
  let stored: CountingProxy;
  let listed: CountingProxy;
  let redis: TestRedis;
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;
  let acme: Record<string, string>;
  let asked = 0;

  const ask = async (on: TestApi, model = 'gpt-4o-mini', key: Record<string, string> = api.admin): Promise<string> => {
    const before = [ofEnvironment, stored, listed].map((proxy) => proxy.counts().requests);
    asked += 1;
    const messages = [{ role: 'user', content: `question ${asked}` }];
    await request(on.server).post('/v1/chat/completions').set(key).send({ model, messages }).expect(200);
    const at = [ofEnvironment, stored, listed].findIndex((proxy, i) => proxy.counts().requests > (before[i] as number));
    return ['environment', 'stored', 'listed'][at] ?? 'nobody';
  };
  const store = (name: string, body: object, key: Record<string, string> = api.admin) =>
    request(api.server).post(`/api/providers/${name}`).set(key).send(body);
  const untilAsked = async (on: TestApi, whom: string, model?: string, key?: Record<string, string>): Promise<void> => {
    while ((await ask(on, model, key)) !== whom) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  beforeAll(async () => {
    provider = await startSimulatedProvider();
    [ofEnvironment, stored, listed] = [
      await startCountingProxy({ upstream: provider.url }),
      await startCountingProxy({ upstream: provider.url }),
      await startCountingProxy({ upstream: provider.url }),
    ];
    redis = await startRedis();
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url, OPENAI_BASE_URL: `${ofEnvironment.url}/v1` };
    [api, other] = [await testApi(places), await testApi(places)];
    const { body } = await request(api.server)
      .post('/v1/keys')
      .set(api.admin)
      .send({ name: 'acme', tenant: 'acme', scopes: ['llm', 'records'] })
      .expect(201);
    acme = { 'x-api-key': (body as { key: string }).key };
  });

  afterAll(async () => {
    await Promise.all([api.close(), other.close()]);
    await Promise.all([ofEnvironment.stop(), stored.stop(), listed.stop()]);
    await provider.stop();
    await redis.stop();
    await database.drop();
  });

  it('win over the environment, here at once and on other processes without a restart, and go when they are removed', async () => {
    expect([await ask(api), await ask(other)]).toEqual(['environment', 'environment']);
    await store('openai', { base_url: `${stored.url}/v1`, token: 'sk-stored-0123456789' }).expect(201);
    expect(await ask(api)).toBe('stored');
    await untilAsked(other, 'stored');
    expect((await request(api.server).get('/health')).body).toMatchObject({ upstream: 'configured' });
    await store('groq', { base_url: `${listed.url}/v1`, models: ['llama-3'] }).expect(201);
    expect([await ask(api, 'llama-3'), await ask(api)]).toEqual(['listed', 'stored']);
    await untilAsked(other, 'listed', 'llama-3');
    for (const name of ['openai', 'groq'])
      await request(api.server).delete(`/api/providers/${name}`).set(api.admin).expect(204);
    expect([await ask(api), await ask(api, 'llama-3')]).toEqual(['environment', 'environment']);
    await untilAsked(other, 'environment');
  });

  it('trap 17: serve the tenant that stored them, and all tenants where an administrator did; no answer crosses over', async () => {
    await store('openai', { base_url: `${listed.url}/v1` }, acme).expect(201);
    expect([await ask(api, 'm', acme), await ask(api, 'm')]).toEqual(['listed', 'environment']);
    await store('openai', { base_url: `${stored.url}/v1` }).expect(201);
    expect([await ask(api, 'm', acme), await ask(api, 'm')]).toEqual(['listed', 'stored']);
    await request(api.server).delete('/api/providers/openai').set(acme).expect(204);
    expect(await ask(api, 'm', acme)).toBe('stored');
    const same = { model: 'm', messages: [{ role: 'user', content: 'the same' }] };
    const chat = () => request(api.server).post('/v1/chat/completions').set(acme).send(same).expect(200);
    expect([(await chat()).headers['x-cache'], (await chat()).headers['x-cache']]).toEqual(['MISS', 'HIT']);
    await store('openai', { base_url: `${listed.url}/v1` }, acme).expect(201);
    expect((await chat()).headers['x-cache']).toBe('MISS');
  });

  it('price what is asked there as they say, where no list does', async () => {
    const price = { 'house-model': { input: '1000', output: '1000' } };
    const body = { base_url: `${listed.url}/v1`, models: ['house-model', 'unpriced'], price_overrides: price };
    await store('house', body, acme).expect(201);
    for (const model of ['house-model', 'unpriced']) expect(await ask(api, model, acme)).toBe('listed');
    const savings = request(api.server).get('/v1/savings?group_by=model').set(api.admin);
    const { body: answer } = await savings.expect(200);
    const groups = (answer as { groups: { key: string; spent: { usd: string }; unpriced_requests: number }[] }).groups;
    const of = (model: string) => groups.find(({ key }) => key === model);
    expect(of('house-model')).toMatchObject({ unpriced_requests: 0 });
    expect(Number(of('house-model')?.spent.usd)).toBeGreaterThan(0);
    expect(of('unpriced')).toMatchObject({ unpriced_requests: 1 });
  });
});
