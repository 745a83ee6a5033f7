import Anthropic, { APIError } from '@anthropic-ai/sdk';
import {
  startCountingProxy,
  startSimulatedProvider,
  type CountingProxy,
  type SimulatedProvider,
} from '@promptsales/simulated-provider';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { SECRETS, testApi, type TestApi } from './test-api.js';

const ask = (content: string, more: object = {}) => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content }],
  ...more,
});

describe('messages at the edge', () => {
  let provider: SimulatedProvider;
  let counted: CountingProxy;
  let redis: TestRedis;
  let api: TestApi;
  let url: string;
  let client: Anthropic;

  beforeAll(async () => {
    provider = await startSimulatedProvider();
    counted = await startCountingProxy({ upstream: provider.url });
    redis = await startRedis();
    api = await testApi({
      REDIS_URL: redis.url,
      OPENAI_BASE_URL: `${counted.url}/v1`,
      ANTHROPIC_BASE_URL: counted.url,
      ANTHROPIC_API_KEY: 'sk-ant-0123456789abcdef',
      SIMULATED_UPSTREAM: 'true',
    });
    await api.app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`;
    client = new Anthropic({ baseURL: url, apiKey: SECRETS.adminKey, maxRetries: 0 });
  });

  afterAll(async () => {
    await api.close();
    await counted.stop();
    await provider.stop();
    await redis.stop();
  });

  const failureOf = async (answer: Promise<unknown>): Promise<APIError> => {
    const failure = await answer.then(
      () => null,
      (error: unknown) => error,
    );
    if (failure instanceof APIError) return failure;
    throw new Error('it did not fail as the SDK fails', { cause: failure });
  };

  it('takes the platform’s key from the SDK, asks the provider once, and books the simulated calls as such', async () => {
    const before = counted.counts().requests;
    const first = await client.messages.create(ask('once'));
    const stream = await client.messages.stream(ask('once')).finalMessage();
    expect(stream.content).toEqual(first.content);
    expect(counted.counts().requests).toBe(before + 1);
    const { body } = await request(api.server).get('/v1/savings?group_by=route').set(api.admin).expect(200);
    expect((body as { groups: object[] }).groups).toContainEqual(
      expect.objectContaining({ key: '/v1/messages', requests: 2, hits: 1, simulated: true, unpriced_requests: 0 }),
    );
  });

  it('tells each SDK of the models of its own provider, and refuses in its own shape', async () => {
    const theirs = await client.models.list();
    expect(theirs.data.map(({ type, id }) => [type, id.split('-')[0]])).toEqual([
      ['model', 'claude'],
      ['model', 'claude'],
    ]);
    expect(await client.models.retrieve('claude-haiku-5-5')).toMatchObject({ type: 'model', id: 'claude-haiku-5-5' });
    const others = await request(api.server).get('/v1/models').set(api.admin).expect(200);
    expect((others.body as { data: object[] }).data).toContainEqual(
      expect.objectContaining({ object: 'model', id: 'gpt-4o-mini' }),
    );
    const stranger = new Anthropic({ baseURL: url, apiKey: 'psk_no', maxRetries: 0 });
    expect((await failureOf(stranger.models.list())).error).toMatchObject({
      type: 'error',
      error: { type: 'authentication_error', code: 'unauthenticated' },
    });
    const { body } = await request(api.server).get('/v1/models').set('authorization', 'Bearer psk_no').expect(401);
    expect(body).toMatchObject({ error: { type: 'authentication_error', code: 'invalid_api_key', param: null } });
  });

  it('refuses in Anthropic’s shape: without a key, without the scope, too large, of another type', async () => {
    const stranger = await failureOf(
      new Anthropic({ baseURL: url, apiKey: 'psk_no', maxRetries: 0 }).messages.create(ask('x')),
    );
    expect([stranger.status, stranger.error]).toMatchObject([
      401,
      { type: 'error', error: { type: 'authentication_error', code: 'unauthenticated' } },
    ]);
    const key = (await api.keyOf('acme', ['records']))['x-api-key'] as string;
    const other = await failureOf(
      new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 }).messages.create(ask('x')),
    );
    expect([other.status, other.error]).toMatchObject([
      403,
      { error: { type: 'permission_error', code: 'forbidden' } },
    ]);
    const large = await failureOf(client.messages.create(ask('x'.repeat(11 * 1024 * 1024))));
    expect([large.status, large.error]).toMatchObject([413, { error: { type: 'request_too_large' } }]);
    const text = await request(api.server).post('/v1/messages').set(api.admin).type('text/plain').send('x').expect(415);
    expect(text.body).toMatchObject({ type: 'error', error: { code: 'unsupported_media_type' } });
    const broken = await request(api.server)
      .post('/v1/messages')
      .set(api.admin)
      .type('application/json')
      .send('{"a')
      .expect(400);
    expect(broken.body).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', code: 'invalid_json' },
    });
  });

  it('takes tool schemas of a megabyte', async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`field_${at}`, { type: 'string', description: 'x'.repeat(60) }]),
    );
    const tools = [{ name: 'large', input_schema: { type: 'object' as const, properties } }];
    const asking = () => client.messages.create(ask('with a tool', { tools })).withResponse();
    expect((await asking()).response.headers.get('x-cache')).toBe('MISS');
    expect((await asking()).response.headers.get('x-cache')).toBe('HIT');
  });

  it('trap 13: names the key at which an answer is kept, by the endpoint or by the header that its clients send', async () => {
    const identity = async (of: object, headers: Record<string, string> = {}): Promise<string> => {
      const asked = request(api.server).post('/v1/keyspace/identity').set(api.admin).set(headers);
      const { body } = await asked.send({ family: 'llm.response', ...of }).expect(200);
      return (body as { key: string }).key;
    };
    const version = { 'anthropic-version': '2023-06-01' };
    const body = ask('identity');
    const posted = request(api.server).post('/v1/messages').set(api.admin).set(version);
    await posted.send(body).expect(200);
    const key = await identity({ request: body }, version);
    await request(api.server).get(`/v1/cache/${key}`).set(api.admin).expect(200);
    expect(await identity({ request: { ...body, stream: true }, endpoint: '/v1/messages' }, version)).toBe(key);
    const others = [
      await identity({ request: body }),
      await identity({ request: body, endpoint: '/v1/messages' }),
      await identity({ request: body }, { ...version, 'anthropic-beta': 'b' }),
      await identity({ request: { ...body, max_tokens: 101 } }, version),
    ];
    expect(new Set([key, ...others]).size).toBe(5);
  });

  it('counts tokens by asking the provider each time', async () => {
    const before = counted.counts().requests;
    const direct = new Anthropic({ baseURL: provider.url, apiKey: 'k', maxRetries: 0 });
    const own = await direct.messages.countTokens({ model: 'claude-sonnet-5-5', messages: ask('count me').messages });
    expect(own.input_tokens).toBeGreaterThan(0);
    for (let time = 0; time < 2; time += 1) {
      expect(
        await client.messages.countTokens({ model: 'claude-sonnet-5-5', messages: ask('count me').messages }),
      ).toEqual(own);
    }
    expect(counted.counts().requests).toBe(before + 2);
    const failure = await failureOf(client.messages.countTokens({ model: 'm', messages: 'x' as never }));
    expect([failure.status, failure.error]).toMatchObject([
      400,
      { type: 'error', error: { type: 'invalid_request_error' } },
    ]);
  });

  it('asks stored providers in their own language only', async () => {
    const own = await startCountingProxy({ upstream: provider.url });
    const store = (name: string, body: object) =>
      request(api.server).post(`/api/providers/${name}`).set(api.admin).send(body).expect(201);
    await store('anthropic', { base_url: own.url, token: 'sk-ant-stored', models: ['claude-stored'] });
    await store('groq', { base_url: 'http://127.0.0.1:9/v1', models: ['claude-sonnet-5-5'] });
    await client.messages.create(ask('of the stored one'));
    expect(own.counts().requests).toBe(1);
    await store('claudes', { base_url: own.url, protocol: 'anthropic', models: ['claude-listed'] });
    await client.messages.create(ask('of the listed one', { model: 'claude-listed' }));
    expect(own.counts().requests).toBe(2);
    // What it lists is not asked of it in OpenAI's.
    const chat = { model: 'claude-stored', messages: ask('in the other language').messages };
    await request(api.server).post('/v1/chat/completions').set(api.admin).send(chat).expect(200);
    expect(own.counts().requests).toBe(2);
    for (const name of ['anthropic', 'groq', 'claudes']) {
      await request(api.server).delete(`/api/providers/${name}`).set(api.admin).expect(204);
    }
    await own.stop();
  });

  it('says that no provider is there, where none is', async () => {
    const without = await testApi({ REDIS_URL: redis.url });
    const { body } = await request(without.server).post('/v1/messages').set(without.admin).send(ask('x')).expect(503);
    expect(body).toMatchObject({ type: 'error', error: { type: 'overloaded_error', code: 'upstream_not_configured' } });
    await without.close();
  });
});
