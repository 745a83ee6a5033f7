import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const TOKEN = 'ghp_0123456789abcdefghij';

describe('companies and repositories, through the cache', () => {
  let api: TestApi;
  let origin: Server;
  let originUrl: string;
  let key: Record<string, string>;
  const seen: {
    readonly method: string;
    readonly url: string;
    readonly authorization: string;
    readonly body: string;
  }[] = [];
  let status = 200;

  beforeAll(async () => {
    origin = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { method = '', url = '', headers } = incoming;
        const body = Buffer.concat(chunks).toString();
        seen.push({ method, url, authorization: headers.authorization ?? '', body });
        const answers: Record<string, unknown> = {
          '/s/enrich': { sector: 'software', asked: seen.length },
          '/t/enrich': { sector: 'other' },
          '/g/user': { login: 'octocat' },
        };
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answers[url] ?? [{ name: 'hello-world' }]));
      });
    });
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    api = await testApi();
    key = await api.keyOf('acme', ['proxy', 'records']);
  });

  afterAll(async () => {
    await api?.close();
    origin?.closeAllConnections();
    origin?.close();
  });

  beforeEach(() => {
    seen.length = 0;
    status = 200;
  });

  const enrich = (empresa: unknown, by = key) =>
    request(api.server).post('/v1/surfsense/enrich').set(by).send({ empresa });
  const put = (name: string, body: object) => request(api.server).put(`/v1/services/${name}`).set(api.admin).send(body);

  it('a company is asked about once, however its name is written', async () => {
    await enrich('Peña S.A.').expect(404);
    await put('surfsense', { base_url: `${originUrl}/s`, credentials: 'surf-token-0123456789' }).expect(201);
    const first = await enrich('Peña S.A.').expect(200);
    expect([first.body, first.headers['x-cache']]).toEqual([{ sector: 'software', asked: 1 }, 'MISS']);
    const second = await enrich('pena  s.a.').expect(200);
    expect([second.body, second.headers['x-cache']]).toEqual([first.body, 'HIT']);
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/s/enrich',
        authorization: 'Bearer surf-token-0123456789',
        body: '{"empresa":"Peña S.A."}',
      },
    ]);
    const value = await request(api.server)
      .get('/v1/cache/surfsense:pena_s.a.')
      .set(await api.keyOf('acme', ['cache', 'proxy']));
    expect(value.status).toBe(200);
    await enrich('Peña S.A.', await api.keyOf('other', ['proxy'])).expect(200);
    expect(seen).toHaveLength(2);
  });

  it('of another address, nothing is served that was kept of the first, nor when it has been removed', async () => {
    const tagged = await api.keyOf('acme', ['proxy', 'cache']);
    const outcome = async () => (await enrich('Moved', tagged).expect(200)).headers['x-cache'];
    await put('surfsense', { base_url: `${originUrl}/s` });
    expect([await outcome(), await outcome()]).toEqual(['MISS', 'HIT']);
    await put('surfsense', { base_url: `${originUrl}/t` }).expect(200);
    const { headers } = await enrich('Moved', { ...tagged, 'cache-control': 'only-if-cached' }).expect(504);
    expect(headers['content-type']).toContain('problem+json');
    expect([await outcome(), await outcome()]).toEqual(['MISS', 'HIT']);
    expect(seen.map(({ url }) => url)).toEqual(['/s/enrich', '/t/enrich']);
    await request(api.server)
      .post('/v1/cache/invalidate')
      .set(tagged)
      .send({ tags: ['service:surfsense'] })
      .expect(200);
    expect(await outcome()).toBe('MISS');
    await request(api.server).delete('/v1/services/surfsense').set(api.admin).expect(204);
    await enrich('Moved', tagged).expect(404);
    await put('surfsense', { base_url: `${originUrl}/s`, credentials: 'surf-token-0123456789' }).expect(201);
  });

  it.each([undefined, '', '  ', 7, 'x'.repeat(301)])('%p is no company', async (empresa) => {
    const { body } = await enrich(empresa).expect(400);
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ path: 'empresa' }] });
    expect(seen).toEqual([]);
  });

  it('a failure of the service is not kept', async () => {
    status = 500;
    await enrich('Acme').expect(502);
    status = 200;
    const { body } = await enrich('Acme').expect(200);
    expect(body).toMatchObject({ sector: 'software' });
  });

  it('repositories, with the tenant’s own account', async () => {
    await request(api.server).get('/api/github/repositories?user=octocat').set(key).expect(404);
    await put('github', { base_url: `${originUrl}/g` }).expect(201);
    const account = { token: TOKEN, user: 'octocat' };
    await request(api.server).post('/api/providers/github').set(key).send(account).expect(201);
    const first = await request(api.server).get('/api/github/repositories').set(key).expect(200);
    expect(first.body).toEqual({ success: true, user: 'octocat', total: 1, repositories: [{ name: 'hello-world' }] });
    const second = await request(api.server).get('/api/github/repositories?user=octocat').set(key).expect(200);
    expect(second.headers['x-cache']).toBe('HIT');
    expect(seen).toEqual([
      {
        method: 'GET',
        url: '/g/users/octocat/repos?per_page=100&sort=updated',
        authorization: `Bearer ${TOKEN}`,
        body: '',
      },
    ]);
    await request(api.server).get('/api/github/repositories?user=../x').set(key).expect(400);
  });

  it('the connection is tested once a minute', async () => {
    const first = await request(api.server).post('/api/github/test').set(key).expect(200);
    expect(first.body).toMatchObject({ success: true, service: 'github', status: 200, user: 'octocat' });
    status = 401;
    const again = await request(api.server).post('/api/github/test').set(key).expect(200);
    expect(again.body).toEqual(first.body);
    const anew = await request(api.server)
      .post('/api/github/test')
      .set(key)
      .set('cache-control', 'no-cache')
      .expect(200);
    expect(anew.body).toMatchObject({ success: false, status: 401 });
    expect(seen.map(({ url }) => url)).toEqual(['/g/user', '/g/user']);
  });
});
