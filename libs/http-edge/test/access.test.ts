import { UnruledRoutesError } from '../src/index.js';
import { ADMIN_KEY, BROKEN_KEY, LLM_KEY, SAMPLE_RULES, sampleEdge, SLOW_KEY, type SampleEdge } from './sample-edge.js';

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

describe('access', () => {
  let edge: SampleEdge;

  beforeAll(async () => {
    edge = await sampleEdge();
  });

  afterAll(() => edge.app.close());

  it('refuses a request without a key with 401, a challenge and problem details', async () => {
    const answer = await edge.fastify.inject({ method: 'GET', url: '/things/whoami' });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="promptsales"');
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toMatchObject({ status: 401, code: 'unauthenticated', instance: '/things/whoami' });
  });

  it.each([
    ['a key nobody knows', bearer('sample-unknown-key')],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['an empty bearer', { authorization: 'Bearer ' }],
    ['an empty x-api-key', { 'x-api-key': '' }],
    ['a key of 100 kB', { 'x-api-key': 'k'.repeat(10_000) }],
    ['two keys in one header', { 'x-api-key': `${LLM_KEY}, ${ADMIN_KEY}` }],
    ['a wrong x-api-key beside a right bearer', { ...bearer(LLM_KEY), 'x-api-key': 'sample-unknown-key' }],
  ])('refuses %s with 401', async (_name, headers) => {
    const answer = await edge.fastify.inject({ method: 'GET', url: '/things/whoami', headers });
    expect(answer.statusCode).toBe(401);
  });

  it.each([
    ['Authorization: Bearer', bearer(LLM_KEY)],
    ['authorization in lower case', { authorization: `bearer ${LLM_KEY}` }],
    ['x-api-key', { 'x-api-key': LLM_KEY }],
    ['a key that has to be looked up', { 'x-api-key': SLOW_KEY }],
  ])('lets %s in', async (_name, headers) => {
    const answer = await edge.fastify.inject({ method: 'GET', url: '/things/whoami', headers });
    expect(answer.statusCode).toBe(200);
  });

  it('keeps what was asked for with a key out of caches on the way', async () => {
    const own = await edge.fastify.inject({ method: 'GET', url: '/things/whoami', headers: { 'x-api-key': LLM_KEY } });
    expect(own.headers['cache-control']).toBe('no-store');
  });

  it('refuses a key without the scope with 403 that names it, before the body is looked at', async () => {
    const answer = await edge.fastify.inject({
      method: 'POST',
      url: '/things',
      headers: { ...bearer(LLM_KEY), 'content-type': 'application/json' },
      payload: '{not json',
    });
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'forbidden', detail: expect.stringContaining('"admin"') });
  });

  it('says 503 and when to retry while keys cannot be looked up, without the reason', async () => {
    const answer = await edge.fastify.inject({ method: 'GET', url: '/things/whoami', headers: bearer(BROKEN_KEY) });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.body).not.toContain('hunter2');
  });

  it('trap 8: logs no line and no stack for each request of an outage', async () => {
    const before = edge.logged().length;
    for (let n = 0; n < 20; n += 1) {
      await edge.fastify.inject({ method: 'GET', url: '/things/whoami', headers: bearer(BROKEN_KEY) });
    }
    expect(edge.logged().slice(before)).not.toMatch(/"level":"(?:info|warn|error)"/);
  });

  it("answers refusals in OpenAI's shape on a provider's route, whatever error handler its context has", async () => {
    const none = await edge.fastify.inject({ method: 'POST', url: '/provider', payload: 'x' });
    expect(none.statusCode).toBe(401);
    expect(none.json()).toEqual({
      error: { message: expect.any(String), type: 'authentication_error', param: null, code: 'invalid_api_key' },
    });
    const broken = await edge.fastify.inject({ method: 'POST', url: '/provider', headers: bearer(BROKEN_KEY) });
    expect(broken.statusCode).toBe(503);
    expect(broken.json()).toMatchObject({ error: { type: 'server_error', code: 'database_unavailable' } });
  });

  it('treats a key on a route that is open to all as an addition that cannot fail it', async () => {
    const known = async (headers: Record<string, string>): Promise<unknown> =>
      (await edge.fastify.inject({ method: 'GET', url: '/maybe', headers })).json();
    expect(await known({})).toEqual({ known: false });
    expect(await known(bearer('sample-unknown-key'))).toEqual({ known: false });
    expect(edge.unchecked()).toBe(0);
    expect(await known(bearer(BROKEN_KEY))).toEqual({ known: false });
    expect(edge.unchecked()).toBe(1);
    expect(await known(bearer(LLM_KEY))).toEqual({ known: true });
    expect(await known(bearer(SLOW_KEY))).toEqual({ known: true });
  });

  it('covers HEAD by the rule of GET', async () => {
    expect((await edge.fastify.inject({ method: 'HEAD', url: '/things/whoami' })).statusCode).toBe(401);
    const allowed = await edge.fastify.inject({ method: 'HEAD', url: '/things/whoami', headers: bearer(LLM_KEY) });
    expect(allowed.statusCode).toBe(200);
  });

  it('grants anonymous scopes only to requests that present nothing', async () => {
    const anonymous = await sampleEdge({ anonymousScopes: ['llm'] });
    const url = '/things/whoami';
    expect((await anonymous.fastify.inject({ method: 'GET', url })).json()).toMatchObject({ client: 'anonymous' });
    expect((await anonymous.fastify.inject({ method: 'GET', url, headers: bearer('sample-wrong') })).statusCode).toBe(
      401,
    );
    for (const authorization of ['', 'Bearer', 'Basic eDp5']) {
      const half = await anonymous.fastify.inject({ method: 'GET', url, headers: { authorization } });
      expect([authorization, half.statusCode]).toEqual([authorization, 401]);
    }
    expect((await anonymous.fastify.inject({ method: 'POST', url: '/things' })).statusCode).toBe(403);
    await anonymous.app.close();
  });

  it('does not start with a route that nobody has ruled on, Nest or plain, and names each', async () => {
    const { 'GET /things/:id': _nest, 'GET /maybe': _plain, ...rules } = SAMPLE_RULES;
    const failure = await sampleEdge({ rules }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UnruledRoutesError);
    expect((failure as UnruledRoutesError).routes).toEqual(
      expect.arrayContaining(['GET /things/:id', 'GET /maybe', 'HEAD /maybe']),
    );
  });
});

describe('attribution', () => {
  let edge: SampleEdge;

  beforeAll(async () => {
    edge = await sampleEdge();
  });

  afterAll(() => edge.app.close());

  const attributed = (headers: Record<string, string>) =>
    edge.fastify.inject({ method: 'GET', url: '/things/whoami', headers: { ...bearer(LLM_KEY), ...headers } });

  it('reads the four headers, accents included', async () => {
    const answer = await attributed({
      'x-user-id': 'u-1',
      'x-cliente-id': 'c-1',
      'x-campana-id': 'verano',
      'x-segmento': Buffer.from('jóvenes').toString('latin1'),
    });
    expect(answer.json()).toMatchObject({
      attribution: { userId: 'u-1', clienteId: 'c-1', campanaId: 'verano', segmento: 'jóvenes' },
    });
  });

  it.each([
    ['as fetch sends it: Latin-1', 'jóvenes', 'jóvenes'],
    ['as fetch can send what is outside Latin-1: percent-encoded', encodeURIComponent('молодёжь 🙂'), 'молодёжь 🙂'],
    ['percent-encoded though it need not be', 'a%20b', 'a b'],
    ['with a percent sign that encodes nothing', '50% off', '50% off'],
    ['with a percent sign before what is no character', 'a%FFb', 'a%FFb'],
  ])('reads a name %s', async (_how, sent, read) => {
    expect((await attributed({ 'x-segmento': sent })).json()).toMatchObject({ attribution: { segmento: read } });
  });

  it('leaves out what is not given or empty', async () => {
    expect((await attributed({ 'x-user-id': '' })).json()).toMatchObject({ attribution: {} });
  });

  it.each([
    ['longer than 200 characters', 'a'.repeat(201)],
    ['longer than 200 characters once it is decoded', '%C3%B1'.repeat(201)],
    ['a control character, percent-encoded', 'a%00b'],
    ['a C1 control in Latin-1', 'a\u0085b'],
    ['a control character', 'a\u0007b'],
    ['a C1 control in UTF-8', Buffer.from('a\u0085b').toString('latin1')],
  ])('trap 12: refuses a value with %s', async (_name, value) => {
    const answer = await attributed({ 'x-campana-id': value });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'bad_header', errors: [{ path: 'x-campana-id' }] });
  });
});
