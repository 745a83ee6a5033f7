import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request as rawRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const TOKEN = 'crm_token_0123456789_abcdefgh';

describe('services behind the cache', () => {
  let api: TestApi;
  let origin: Server;
  let originUrl: string;
  let proxyKey: Record<string, string>;
  const seen: IncomingMessage[] = [];

  beforeAll(async () => {
    origin = createServer((incoming, response) => {
      seen.push(incoming);
      response.setHeader('content-type', 'application/json');
      // Of a cache of its own.
      if (incoming.url?.includes('told-by-nobody') === true) response.setHeader('x-cache', 'told-by-nobody');
      response.end(JSON.stringify({ call: seen.length, url: incoming.url }));
    });
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    api = await testApi();
    proxyKey = await api.keyOf('acme', ['proxy']);
    await api.app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    await api?.close();
    origin?.closeAllConnections();
    origin?.close();
  });

  beforeEach(() => (seen.length = 0));

  const put = (name: string, body: object) => request(api.server).put(`/v1/services/${name}`).set(api.admin).send(body);

  it('are stored, shown, listed and removed, with their secrets masked', async () => {
    const body = {
      base_url: `${originUrl}/v2`,
      credentials: { bearer: TOKEN },
      headers: { 'x-api-key': TOKEN },
      ttl: 60,
    };
    const created = await put('crm', body).expect(201);
    expect(created.body).toMatchObject({
      name: 'crm',
      credentials: { bearer: 'crm_…fgh' },
      headers: { 'x-api-key': 'crm_…fgh' },
    });
    const shown = await request(api.server).get('/v1/services/crm').set(api.admin).expect(200);
    expect(shown.body).toEqual(created.body);
    const again = await put('crm', shown.body as object).expect(200);
    expect(again.body).toMatchObject({ credentials: { bearer: 'crm_…fgh' } });
    await request(api.server).get('/proxy/crm/leads').set(proxyKey).expect(200);
    expect(seen[0]).toMatchObject({
      url: '/v2/leads',
      headers: { authorization: `Bearer ${TOKEN}`, 'x-api-key': TOKEN },
    });
    const elsewhere = { ...(shown.body as object), base_url: 'https://elsewhere.example' };
    expect((await put('crm', elsewhere).expect(422)).body).toMatchObject({
      code: 'secret_mask',
      errors: expect.arrayContaining([
        { path: 'credentials.bearer', message: expect.stringContaining('belongs to another host') },
      ]),
    });
    const list = await request(api.server).get('/v1/services').set(api.admin).expect(200);
    expect((list.body as { services: { name: string }[] }).services.map(({ name }) => name)).toEqual(['crm']);
    await request(api.server).delete('/v1/services/crm').set(api.admin).expect(204);
    await request(api.server).get('/v1/services/crm').set(api.admin).expect(404);
    await request(api.server).get('/proxy/crm/leads').set(proxyKey).expect(404);
    expect(api.logged()).not.toContain(TOKEN);
    const audit = await request(api.server).get('/v1/audit').set(api.admin).expect(200);
    expect(JSON.stringify(audit.body)).toContain('service.replace');
    expect(JSON.stringify(audit.body)).not.toContain(TOKEN);
  });

  it.each([
    [{}, 'base_url'],
    [{ base_url: 'ftp://x' }, 'base_url'],
    [{ base_url: 'https://user:password@x' }, 'base_url'],
    [{ base_url: 'https://x', ttl: -1 }, 'ttl'],
    [{ base_url: 'https://x', ttl_rules: [{ path: 'x', ttl: 1 }] }, 'ttl_rules[0].path'],
    [{ base_url: 'https://x', headers: { 'a b': 'c' } }, 'headers.a b'],
    [{ base_url: 'https://x', headers: { a: 'b\r\nc: d' } }, 'headers.a'],
    [{ base_url: 'https://x', headers: { 'transfer-encoding': 'chunked' } }, 'headers.transfer-encoding'],
    [{ base_url: 'https://x', rate_limit: 'often' }, 'rate_limit'],
    [{ base_url: 'https://x', surprise: 1 }, 'surprise'],
  ])('are refused where they cannot be: %j', async (body, path) => {
    const answer = await put('odd', body).expect(400);
    const { code, errors } = answer.body as { code: string; errors: { path: string }[] };
    expect(code).toBe('validation_failed');
    expect(errors.map((fault) => fault.path)).toContain(path);
    await request(api.server).get('/v1/services/odd').set(api.admin).expect(404);
  });

  it('are for administrators to change, and for keys with the scope proxy to call', async () => {
    await put('crm', { base_url: originUrl }).expect(201);
    await request(api.server).put('/v1/services/crm').set(proxyKey).send({ base_url: originUrl }).expect(403);
    await request(api.server).get('/v1/services/crm').set(proxyKey).expect(403);
    const other = await api.keyOf('acme', ['records']);
    await request(api.server).get('/proxy/crm/x').set(other).expect(403);
    await request(api.server).get('/proxy/crm/x').expect(401);
    expect(seen).toEqual([]);
  });

  it('a 200 that says nothing lives for an hour, and is the tenant’s own', async () => {
    const began = performance.now();
    const first = await request(api.server).get('/proxy/crm/ttl?a=1').set(proxyKey).expect(200);
    expect(first.headers).toMatchObject({ 'x-cache': 'MISS', 'cache-control': 'no-store' });
    const second = await request(api.server).get('/proxy/crm/ttl?a=1').set(proxyKey).expect(200);
    expect(second.headers).toMatchObject({
      'x-cache': 'HIT',
      'cache-status': expect.stringMatching(/^promptsales; hit; ttl=\d+$/),
      age: expect.stringMatching(/^\d+$/),
    });
    // A date says the second in which the answer was made, so that it may look up to one older when it comes.
    const passed = 1 + Math.ceil((performance.now() - began) / 1000);
    const ttl = Number(/ttl=(\d+)/.exec(String(second.headers['cache-status']))?.[1]);
    expect(ttl).toBeLessThanOrEqual(3600);
    expect(ttl).toBeGreaterThanOrEqual(3599 - passed);
    expect(Number(second.headers['age'])).toBeLessThanOrEqual(passed);
    expect(second.text).toBe(first.text);
    const other = await api.keyOf('other', ['proxy']);
    const third = await request(api.server).get('/proxy/crm/ttl?a=1').set(other).expect(200);
    expect(third.headers['x-cache']).toBe('MISS');
    expect(seen.map(({ headers }) => [headers['x-api-key'], headers.authorization])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('a change of the address is in force at once, and what was kept of the other is not served', async () => {
    await request(api.server).get('/proxy/crm/space').set(proxyKey).expect(200);
    await put('crm', { base_url: `${originUrl}/other` }).expect(200);
    const { body } = await request(api.server).get('/proxy/crm/space').set(proxyKey).expect(200);
    expect(body).toMatchObject({ url: '/other/space' });
  });

  it('so is a change of what is sent along, and of a service that was removed nothing is served to the next of its name', async () => {
    const get = async (path = '/proxy/changed/x') =>
      (await request(api.server).get(path).set(proxyKey).expect(200)).headers['x-cache'];
    await put('changed', { base_url: originUrl, credentials: 'first-token-0123456789' }).expect(201);
    expect([await get(), await get()]).toEqual(['MISS', 'HIT']);
    await put('changed', { base_url: originUrl, credentials: 'first-token-0123456789', ttl: 60 }).expect(200);
    expect(await get()).toBe('HIT');
    await put('changed', { base_url: originUrl, credentials: 'other-token-0123456789' }).expect(200);
    expect([await get(), await get()]).toEqual(['MISS', 'HIT']);
    await request(api.server).delete('/v1/services/changed').set(api.admin).expect(204);
    await put('changed', { base_url: originUrl, credentials: 'other-token-0123456789' }).expect(201);
    expect(await get()).toBe('MISS');
  });

  it('have a tag each, by which a tenant invalidates what it has of one', async () => {
    const key = await api.keyOf('acme', ['proxy', 'cache']);
    const get = async () =>
      (await request(api.server).get('/proxy/crm/tagged').set(key).expect(200)).headers['x-cache'];
    expect([await get(), await get()]).toEqual(['MISS', 'HIT']);
    await request(api.server)
      .post('/v1/cache/invalidate')
      .set(key)
      .send({ tags: ['service:crm'] })
      .expect(200);
    expect(await get()).toBe('MISS');
  });

  it('name the key of a call, for readers that look it up in Redis', async () => {
    const key = await api.keyOf('acme', ['proxy', 'cache']);
    await put('looked-up', { base_url: originUrl, lookup_posts: ['/search'] }).expect(201);
    const identity = (of: object, headers = {}) =>
      request(api.server)
        .post('/v1/keyspace/identity')
        .set({ ...key, ...headers })
        .send({ family: 'api.call', request: of });
    const value = (of: string) => request(api.server).get(`/v1/cache/${of}`).set(key);
    const keyed = async (of: object, headers = {}): Promise<string> =>
      ((await identity({ service: 'looked-up', ...of }, headers).expect(200)).body as { key: string }).key;
    const shown = async (of: object, headers = {}) =>
      (await value(await keyed(of, headers)).expect(200)).body as object;

    const got = await request(api.server).get('/proxy/looked-up/a/b?c=1').set(key).expect(200);
    expect(await keyed({ path: '/a/b?c=1' })).toMatch(/api:call:looked-up:get:[0-9a-f]{64}$/);
    expect(JSON.stringify(await shown({ path: '/a/b?c=1' }))).toContain(got.text);
    const spaced = { 'x-cache-namespace': 'spring' };
    await request(api.server)
      .get('/proxy/looked-up/a')
      .set({ ...key, ...spaced })
      .expect(200);
    await shown({ path: '/a', method: 'HEAD' }, spaced);
    await value(await keyed({ path: '/a' })).expect(404);
    await request(api.server).post('/proxy/looked-up/search').set(key).send({ q: 1, in: 'x' }).expect(200);
    await shown({ path: '/search', body: { in: 'x', q: 1 } });
    await value(await keyed({ path: '/search', body: { in: 'x', q: 1 }, content_type: 'text/json' })).expect(404);

    const params_hash = 'a'.repeat(64);
    expect(await keyed({ method: 'findCompany', params_hash })).toContain(
      `api:call:looked-up:findCompany:${params_hash}`,
    );
    for (const [of, why] of [
      [{ service: 'nobody', path: '/a' }, 'no service'],
      [{ service: 'looked-up', path: '/../x' }, 'segments of dots'],
      [{ service: 'looked-up', path: '/a', method: 'PUT' }, 'nothing that is answered to PUT'],
      [{ service: 'looked-up', path: '/a', body: {} }, 'nothing that is answered to POST'],
      [{ service: 'looked-up', path: 'a' }, 'begins with a slash'],
      [{ service: 'looked-up', path: '/a', headers: {} }, 'headers is not known'],
      [{ path: '/a' }, 'service takes'],
    ] as const) {
      const { body } = await identity(of).expect(422);
      expect(body).toMatchObject({ code: 'unprocessable', detail: expect.stringContaining(why) });
    }
  });

  it.each([
    '/proxy/crm//evil.example/x',
    '/proxy/crm/../v1/keys',
    '/proxy/crm/%2e%2e/x',
    '/proxy/crm/a/%2e%2e%2fb',
    '/proxy/crm/a/..%5cb',
    '/proxy/crm/%252e%252e/x',
    '/proxy/crm/a%0d%0aHost:%20evil',
    '/proxy/crm/..;/x',
    'http://evil.example/proxy/crm/x',
    'http://169.254.169.254/latest',
  ])('trap 23: no path leads out of the service: %s', async (path) => {
    const { port } = api.server.address() as AddressInfo;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = rawRequest({ port, host: '127.0.0.1', path, headers: proxyKey }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
    expect([400, 404]).toContain(status);
    expect(seen).toEqual([]);
  });

  it('trap 30: are counted by what became of requests, without a word of whose they were or what was asked', async () => {
    await put('counted', { base_url: originUrl }).expect(201);
    const before = await countsOf(api);
    await request(api.server).get('/proxy/counted/told-by-nobody').set(proxyKey).expect(200);
    await request(api.server).get('/proxy/counted/told-by-nobody').set(proxyKey).expect(200);
    await request(api.server).post('/proxy/counted/told-by-nobody').set(proxyKey).expect(200);
    await request(api.server).get('/proxy/counted/%252e%252e/x').set(proxyKey).expect(400);
    await request(api.server).get('/proxy/told-by-nobody/x').set(proxyKey).expect(404);
    const after = await countsOf(api);
    const more = Object.entries(after.counts).map(([series, count]) => [series, count - (before.counts[series] ?? 0)]);
    expect(Object.fromEntries(more.filter(([, count]) => count !== 0))).toEqual({
      'proxy_answers_total{outcome="hit"}': 1,
      'proxy_answers_total{outcome="miss"}': 1,
      'proxy_answers_total{outcome="bypass"}': 1,
      'proxy_refused_total{why="bad_url"}': 1,
      'proxy_refused_total{why="not_found"}': 1,
      'proxy_upstream_seconds_count{result="2xx"}': 2,
    });
    expect(after.text).not.toMatch(/told-by-nobody|acme|counted/);
  });

  it('an error before the service is a problem; what the service says of itself is its own', async () => {
    await put('gone', { base_url: 'http://127.0.0.1:9' }).expect(201);
    const answer = await request(api.server).get('/proxy/gone/x').set(proxyKey).expect(502);
    expect(answer.body).toMatchObject({ code: 'bad_gateway', status: 502 });
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });
});

/** The proxy's counters, and all that `/metrics` says. */
async function countsOf(api: TestApi): Promise<{ readonly counts: Record<string, number>; readonly text: string }> {
  const { text } = await request(api.server).get('/metrics').set(api.admin).expect(200);
  const counts: Record<string, number> = {};
  for (const [, name, labels = '', count] of text.matchAll(/^(proxy_\w+?(?:_total|_count))\{(.*)\} (\d+)$/gm)) {
    const own = labels.split(',').filter((label) => !label.startsWith('service='));
    counts[`${name}{${own.join(',')}}`] = Number(count);
  }
  return { counts, text };
}
