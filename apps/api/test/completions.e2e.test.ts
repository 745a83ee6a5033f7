import {
  startCountingProxy,
  startSimulatedProvider,
  type CountingProxy,
  type SimulatedProvider,
} from '@promptsales/simulated-provider';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { setTimeout as pause } from 'node:timers/promises';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const chat = (content: string, more: object = {}): object => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content }],
  ...more,
});

describe('completions at the edge', () => {
  let provider: SimulatedProvider;
  let counted: CountingProxy;
  let redis: TestRedis;
  let api: TestApi;

  beforeAll(async () => {
    provider = await startSimulatedProvider();
    counted = await startCountingProxy({ upstream: provider.url });
    redis = await startRedis();
    api = await testApi({
      REDIS_URL: redis.url,
      OPENAI_BASE_URL: `${counted.url}/v1`,
      SIMULATED_UPSTREAM: 'true',
    });
  });

  afterAll(async () => {
    await api.close();
    await counted.stop();
    await provider.stop();
  });

  const post = (headers: Record<string, string> = api.admin) =>
    request(api.server).post('/v1/chat/completions').set(headers).type('application/json');

  async function keyOf(tenant: string, scopes: string[]): Promise<Record<string, string>> {
    const { body } = await request(api.server)
      .post('/v1/keys')
      .set(api.admin)
      .send({ name: tenant, tenant, scopes })
      .expect(201);
    return { authorization: `Bearer ${(body as { key: string }).key}` };
  }

  it('asks the provider once, answers the same bytes after, and says simulated', async () => {
    const first = await post().send(chat('once')).expect(200);
    expect(first.headers['x-cache']).toBe('MISS');
    const before = counted.counts().requests;
    const second = await post().send(chat('once')).expect(200);
    expect(second.headers).toMatchObject({ 'x-cache': 'HIT', 'server-timing': expect.stringMatching(/^cache;dur=/) });
    expect(second.text).toBe(first.text);
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(counted.counts().requests).toBe(before);
    const { body } = await request(api.server).get('/health').expect(200);
    expect(body).toMatchObject({ upstream: 'simulated' });
  });

  it.each([
    ['no key', () => post({}).send(chat('x')), 401, 'invalid_api_key'],
    ['a bad key', () => post({ authorization: 'Bearer psk_wrong' }).send(chat('x')), 401, 'invalid_api_key'],
    ['malformed JSON', () => post().send('{"model":'), 400, null],
    ['an empty body', () => post().send(''), 400, null],
    ['a message list that is not one', () => post().send({ model: 'm', messages: 'hi' }), 400, null],
    ['a body over the cap', () => post().send(chat('x'.repeat(10 * 1024 * 1024))), 413, null],
    ['another type', () => post().type('text/plain').send('hello'), 415, null],
    ['a bad Cache-Control', () => post().set('cache-control', 'max-age=soon').send(chat('x')), 400, null],
    [
      'an attribution header that is too long',
      () => post().set('x-user-id', 'u'.repeat(500)).send(chat('x')),
      400,
      'bad_header',
    ],
  ])('answers %s in OpenAI’s shape, asks nobody and goes on', async (_name, ask, status, code) => {
    const before = counted.counts().requests;
    const answer = await ask();
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } });
    expect(answer.body).toHaveProperty('error.param');
    expect(answer.body).toHaveProperty('error.code', code ?? expect.any(String));
    expect(counted.counts().requests).toBe(before);
  });

  it('answers bytes that are not UTF-8 likewise', async () => {
    const answer = await api.app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers: { ...api.admin, 'content-type': 'application/json' },
      payload: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  it('wants the scope, and keeps tenants apart', async () => {
    const reader = await keyOf('reader', ['analytics']);
    expect((await post(reader).send(chat('x')).expect(403)).body).toMatchObject({ error: { code: 'forbidden' } });
    const acme = await keyOf('acme', ['llm']);
    const globex = await keyOf('globex', ['llm']);
    expect((await post(acme).send(chat('whose'))).headers['x-cache']).toBe('MISS');
    expect((await post(globex).send(chat('whose'))).headers['x-cache']).toBe('MISS');
    expect((await post(acme).send(chat('whose'))).headers['x-cache']).toBe('HIT');
  });

  it('enters into the ledger for whom it was, and shows each tenant its own', async () => {
    const both = await keyOf('initech', ['llm', 'analytics']);
    const attributed = { ...both, 'x-campana-id': 'verano', 'x-segmento': Buffer.from('jóvenes').toString('latin1') };
    await post(attributed).send(chat('for summer')).expect(200);
    await post(attributed).send(chat('for summer')).expect(200);
    const { body } = await request(api.server).get('/v1/savings').query({ group_by: 'campaign' }).set(both).expect(200);
    expect(body).toMatchObject({
      groups: [{ key: 'verano', requests: 2, hits: 1, upstream_calls: 1 }],
      total: { requests: 2 },
      simulated: true,
    });
  });

  it('goes on from the origin while Redis is gone', async () => {
    await redis.kill();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => post().send(chat(`without Redis ${n}`))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    // Its view of Redis may be half a second old.
    const health = async () =>
      ((await request(api.server).get('/health').expect(200)).body as { status: string }).status;
    while ((await health()) !== 'degraded') await pause(20);
  });
});
