/** Limits of clients and services, over two processes. */
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

describe('limits', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let apis: [TestApi, TestApi];
  let origin: Server;
  let originUrl: string;
  let asked = 0;

  beforeAll(async () => {
    [database, redis] = await Promise.all([createDatabase(), startRedis()]);
    origin = createServer((incoming, response) => {
      asked += 1;
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { id = null } = (chunks.length === 0 ? {} : JSON.parse(String(Buffer.concat(chunks)))) as {
          id?: unknown;
        };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
      });
    });
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    const places = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    const first = await testApi(places);
    apis = [first, await testApi(places)];
  });

  afterAll(async () => {
    await Promise.all((apis ?? []).map((api) => api.close()));
    origin?.closeAllConnections();
    origin?.close();
    await Promise.all([redis?.stop(), database?.drop()]);
  });

  beforeEach(() => (asked = 0));

  const exceeded = async (limit: string): Promise<number> => {
    const pages = await Promise.all(apis.map((api) => request(api.server).get('/metrics').set(api.admin).expect(200)));
    const counts = pages.map(({ text }) =>
      new RegExp(`^rate_limit_exceeded_total\\{.*limit="${limit}".*\\} (\\d+)$`, 'm').exec(text),
    );
    return counts.reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0);
  };

  it('let a client ask the MCP gateway so often and no more, whichever process it asks', async () => {
    const [api] = apis;
    await request(api.server)
      .put('/v1/mcp/servers/tools')
      .set(api.admin)
      .send({ url: `${originUrl}/mcp` })
      .expect(201);
    const key = await api.keyOf('acme', ['mcp', 'records']);
    const configure = (limits: object) =>
      request(api.server)
        .put('/v1/clients/acme/config')
        .set(key)
        .send({ tools_acceso: ['*'], estado: 'activo', rate_limit: '1000/dia', max_requests_hora: 1000, ...limits });
    let id = 0;
    const call = () =>
      request((apis[id % 2] as TestApi).server)
        .post('/mcp/tools')
        .set(key)
        .set('accept', 'application/json, text/event-stream')
        .set('mcp-protocol-version', '2025-11-25')
        .send({ jsonrpc: '2.0', id: (id += 1), method: 'tools/call', params: { name: 'find', arguments: {} } });

    /** Under these limits: each process hears of them in its own time. */
    const callUnder = async (policy: string) => {
      for (;;) {
        const answer = await call();
        if (String(answer.headers['ratelimit-policy']).includes(policy)) return answer;
      }
    };
    // Each process looks for servers every second; a key of no client is under no limit.
    const ping = ({ server }: TestApi) =>
      request(server).post('/mcp/tools').set(api.admin).send({ jsonrpc: '2.0', id: 0, method: 'ping' });
    for (const one of apis) while ((await ping(one)).status === 404);
    asked = 0;

    await configure({ rate_limit: '3/dia' });
    const served = [await call(), await call(), await call()];
    expect(served.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(served[2]?.headers).toMatchObject({
      'ratelimit-policy': '"client_rate_limit";q=3;w=86400, "client_max_requests_hora";q=1000;w=3600',
      ratelimit: expect.stringMatching(/^"client_rate_limit";r=0;t=\d+, "client_max_requests_hora";r=\d+;t=\d+$/),
    });
    for (const next of [id + 1, id + 2]) {
      const refused = await call();
      expect(refused.status).toBe(429);
      expect(refused.body).toMatchObject({
        jsonrpc: '2.0',
        id: next,
        error: { code: -32000, data: { code: 'too_many_requests' } },
      });
      const [, seconds] = /r=0;t=(\d+)/.exec(String(refused.headers['ratelimit'])) ?? [];
      expect(refused.headers['retry-after']).toBe(seconds);
    }
    expect(asked).toBe(3);
    expect(await exceeded('client_rate_limit')).toBe(2);

    // What was denied under another limit is asked for again; and the hour has a limit of its own.
    await configure({ rate_limit: '5/dia' });
    const wider = [await callUnder('q=5;'), await callUnder('q=5;'), await callUnder('q=5;')];
    expect(wider.map(({ status }) => status)).toEqual([200, 200, 429]);
    await configure({ max_requests_hora: 0 });
    expect((await callUnder('"client_max_requests_hora";q=0;w=3600')).status).toBe(429);
    expect(await exceeded('client_max_requests_hora')).toBe(1);
    expect(asked).toBe(5);
  });

  it('let a service be asked so often and no more, and hits cost nothing', async () => {
    const [api, other] = apis;
    const body = { base_url: originUrl, rate_limit: { limit: 2, window_seconds: 86_400 }, stale_if_error: 0 };
    await request(api.server).put('/v1/services/crm').set(api.admin).send(body).expect(201);
    const key = await api.keyOf('acme', ['proxy']);
    const get = ({ server }: TestApi, path: string) => request(server).get(`/proxy/crm/${path}`).set(key);
    await get(api, 'a').expect(200);
    // The other process looks for services every second.
    let second = await get(other, 'b');
    while (second.status === 404) second = await get(other, 'b');
    expect(second.status).toBe(200);
    for (const one of apis) await get(one, 'a').expect(200).expect('x-cache', 'HIT');
    for (const one of apis) {
      const refused = await get(one, 'c').expect(429);
      expect(refused.body).toMatchObject({ code: 'too_many_requests' });
      expect(refused.headers).toMatchObject({
        'cache-status': 'promptsales; detail=rate-limited',
        'ratelimit-policy': '"service_rate_limit";q=2;w=86400',
        ratelimit: expect.stringMatching(/^"service_rate_limit";r=0;t=\d+$/),
      });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(asked).toBe(2);
    expect(await exceeded('service_rate_limit')).toBe(2);
  });
});
