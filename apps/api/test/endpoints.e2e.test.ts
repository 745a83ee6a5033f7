/** What every endpoint of OpenAI's API has from the edge: who may, what is refused and how, what is booked. */
import {
  startCountingProxy,
  startSimulatedProvider,
  type CountingProxy,
  type SimulatedProvider,
} from '@promptsales/simulated-provider';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const MODEL = 'gpt-3.5-turbo-instruct';

describe.each([
  ['/v1/responses', { model: MODEL, input: 'Hello' }, ['input', 7]],
  ['/v1/completions', { model: MODEL, prompt: 'Hello' }, ['prompt', ['a', 1]]],
] as const)('POST %s', (route, body, [subject, mixed]) => {
  let provider: SimulatedProvider;
  let counted: CountingProxy;
  let api: TestApi;

  beforeAll(async () => {
    provider = await startSimulatedProvider();
    counted = await startCountingProxy({ upstream: provider.url });
    api = await testApi({ OPENAI_BASE_URL: `${counted.url}/v1`, SIMULATED_UPSTREAM: 'true' });
  });

  afterAll(async () => {
    await api.close();
    await counted.stop();
    await provider.stop();
  });

  const post = (headers: Record<string, string> = api.admin) =>
    request(api.server).post(route).set(headers).type('application/json');

  it.each([
    ['no key', () => post({}).send(body), 401, 'invalid_api_key'],
    ['a bad key', () => post({ authorization: 'Bearer psk_wrong' }).send(body), 401, 'invalid_api_key'],
    ['malformed JSON', () => post().send('{"model":'), 400, 'invalid_json'],
    ['an empty body', () => post().send(''), 400, 'invalid_json'],
    ['a list', () => post().send([body]), 400, 'invalid_type'],
    ['no model', () => post().send({ ...body, model: undefined }), 400, 'missing_required_parameter'],
    ['nothing to answer', () => post().send({ model: MODEL }), 400, 'missing_required_parameter'],
    ['an input of mixed kinds', () => post().send({ ...body, [subject]: mixed }), 400, 'invalid_type'],
    ['a stream that is no boolean', () => post().send({ ...body, stream: 'yes' }), 400, 'invalid_type'],
    ['a body over the cap', () => post().send({ ...body, user: 'x'.repeat(10 << 20) }), 413, 'request_too_large'],
    ['another type', () => post().type('text/plain').send('hello'), 415, 'unsupported_media_type'],
    ['a bad Cache-Control', () => post().set('cache-control', 'max-age=soon').send(body), 400, 'invalid_cache_control'],
    ['a bad pace', () => post().set('x-cache-replay', 'slowly').send(body), 400, 'invalid_cache_header'],
    ['an attribution that is too long', () => post().set('x-user-id', 'u'.repeat(500)).send(body), 400, 'bad_header'],
  ])('answers %s in OpenAI’s shape, asks nobody and goes on', async (_name, ask, status, code) => {
    const before = counted.counts().requests;
    const answer = await ask();
    expect([answer.status, answer.headers['content-type']]).toEqual([
      status,
      expect.stringMatching(/^application\/json/) as string,
    ]);
    expect(answer.body).toMatchObject({ error: { message: expect.any(String), type: expect.any(String), code } });
    expect(answer.body).toHaveProperty('error.param');
    expect(counted.counts().requests).toBe(before);
  });

  it('answers bytes that are not UTF-8 likewise', async () => {
    const answer = await api.app.inject({
      method: 'POST',
      url: route,
      headers: { ...api.admin, 'content-type': 'application/json' },
      payload: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect([answer.statusCode, answer.json()]).toMatchObject([400, { error: { code: 'invalid_utf8' } }]);
  });

  it('wants the scope llm', async () => {
    const reader = await api.keyOf('reader', ['analytics']);
    expect((await post(reader).send(body).expect(403)).body).toMatchObject({ error: { code: 'forbidden' } });
  });

  it('is asked for once, in both forms, and stands in the ledger with its price', async () => {
    const acme = await api.keyOf('acme', ['llm', 'analytics']);
    const before = counted.counts().requests;
    const first = await post(acme).send(body).expect(200);
    expect(first.headers['x-cache']).toBe('MISS');
    const again = await post(acme).send(body).expect(200);
    expect([again.headers['x-cache'], again.text]).toEqual(['HIT', first.text]);
    const streamed = await post(acme)
      .send({ ...body, stream: true })
      .expect(200);
    expect([streamed.headers['x-cache'], streamed.headers['content-type']]).toEqual([
      'HIT',
      expect.stringMatching(/^text\/event-stream/) as string,
    ]);
    expect(streamed.text).toContain((first.body as { id: string }).id);
    expect(counted.counts().requests).toBe(before + 1);

    const { body: savings } = await request(api.server)
      .get('/v1/savings')
      .query({ group_by: 'route' })
      .set(acme)
      .expect(200);
    expect(savings).toMatchObject({
      groups: [{ key: route, requests: 3, hits: 2, upstream_calls: 1, unpriced_requests: 0 }],
    });
    const { spent, avoided } = (
      savings as { total: Record<'spent' | 'avoided', { usd: string; output_tokens: number }> }
    ).total;
    expect(spent.output_tokens).toBe(counted.calls().at(-1)?.outputTokens);
    expect(Number(spent.usd)).toBeGreaterThan(0);
    expect(Number(avoided.usd)).toBeCloseTo(2 * Number(spent.usd), 9);
  });

  it('passes on what the provider refuses, in its own words', async () => {
    const refusing = await testApi({ OPENAI_BASE_URL: `${counted.url}/v1/nowhere`, SIMULATED_UPSTREAM: 'true' });
    const answer = await request(refusing.server).post(route).set(refusing.admin).send(body);
    await refusing.close();
    expect(answer.status).toBe(404);
    expect(answer.body).toHaveProperty('error');
  });
});

describe('POST /v1/images/generations', () => {
  it('has an image drawn once, and draws it again for who asks again', async () => {
    const provider = await startSimulatedProvider();
    const counted = await startCountingProxy({ upstream: provider.url });
    const api = await testApi({ OPENAI_BASE_URL: `${counted.url}/v1`, SIMULATED_UPSTREAM: 'true' });
    const draw = () =>
      request(api.server)
        .post('/v1/images/generations')
        .set(api.admin)
        .send({ model: 'gpt-image-1', prompt: 'a cat', stream: true, partial_images: 2 })
        .expect(200)
        .expect('content-type', /^text\/event-stream/);
    const first = await draw();
    const again = await draw();
    expect([first.headers['x-cache'], again.headers['x-cache']]).toEqual(['MISS', 'HIT']);
    expect(again.text).toBe(first.text);
    expect([...first.text.matchAll(/^event: image_generation\.(\w+)$/gm)].map(([, type]) => type)).toEqual([
      'partial_image',
      'partial_image',
      'completed',
    ]);
    expect(counted.counts().requests).toBe(1);
    await api.close();
    await counted.stop();
    await provider.stop();
  });
});
