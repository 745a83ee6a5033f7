/** What every endpoint that answers from the cache must not do, on two processes. */
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { markIn, ROUTES, startMarkedProvider, type MarkedProvider } from './marked-provider.js';
import { testApi, type TestApi } from './test-api.js';

/** Their streams say more than their JSON, or they have none. */
const ONE_FORM = new Set(['/v1/images/generations', '/v1/embeddings', '/v1/generations']);
const AT_ONCE = 40;

interface Answer {
  readonly status: number;
  /** Redis could not be asked in time: a machine that is too busy for it proves nothing. */
  readonly withoutRedis: boolean;
  readonly text: string;
}

let provider: MarkedProvider;
let elsewhere: MarkedProvider;
let redis: TestRedis;
let database: TestDatabase;
let apis: readonly TestApi[];
let addresses: readonly string[];
let key: Record<string, string>;
let questions = 0;

beforeAll(async () => {
  [provider, elsewhere] = [await startMarkedProvider(), await startMarkedProvider()];
  redis = await startRedis();
  database = await createDatabase();
  const places = {
    REDIS_URL: redis.url,
    DATABASE_URL: database.url,
    OPENAI_BASE_URL: `${provider.url}/v1`,
    ANTHROPIC_BASE_URL: provider.url,
  };
  apis = [await testApi(places), await testApi(places)];
  addresses = await Promise.all(
    apis.map(async ({ server }) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  key = await (apis[0] as TestApi).keyOf('acme', ['llm', 'records']);
});

afterAll(async () => {
  for (const { server } of apis) server.closeAllConnections();
  await Promise.all(apis.map((api) => api.close()));
  await Promise.all([provider.stop(), elsewhere.stop()]);
  await redis.stop();
  await database.drop();
});

describe.each(Object.entries(ROUTES))('%s', (route, ask) => {
  const question = (): ((stream: boolean) => object) => {
    questions += 1;
    const text = `question ${questions}`;
    return (stream) => ask('m', text, stream && !ONE_FORM.has(route));
  };
  const post = async (on: number, body: object, signal: AbortSignal | null = null): Promise<Answer> => {
    const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...key };
    const address = addresses[on % addresses.length] as string;
    const response = await fetch(address + route, { method: 'POST', headers, body: JSON.stringify(body), signal });
    const told = response.headers.get('cache-status') ?? '';
    return { status: response.status, withoutRedis: told.includes('redis-unavailable'), text: await response.text() };
  };
  const called = async (times: number): Promise<void> => {
    while (provider.calls < times) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  /** The next request that comes to this process. */
  const arrival = async (on: number): Promise<ServerResponse> =>
    (await once((apis[on] as TestApi).server, 'request'))[1] as ServerResponse;
  /** What has arrived before has come as far as it can: what is sent after it on the same way has been answered. */
  const overtaken = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json', 'cache-control': 'only-if-cached', ...key };
    for (let time = 0; time < 10; time += 1) {
      for (const address of addresses) {
        const body = JSON.stringify(ROUTES['/v1/chat/completions']?.('m', `never asked ${time}`, false));
        const response = await fetch(`${address}/v1/chat/completions`, { method: 'POST', headers, body });
        expect([response.status, await response.text()]).toEqual([504, expect.any(String)]);
      }
    }
  };

  it('trap 18: answers forty simultaneous identical requests from one call, in both forms', async () => {
    for (;;) {
      const before = provider.calls;
      const release = provider.hold();
      const body = question();
      const asking = Array.from({ length: AT_ONCE }, (_, at) => post(at, body(at % 4 > 1)));
      await called(before + 1);
      await new Promise((resolve) => setTimeout(resolve, 300));
      release();
      const answers = await Promise.all(asking);
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      if (answers.some(({ withoutRedis }) => withoutRedis)) continue;
      expect(new Set(answers.map(({ text }) => markIn(text))).size).toBe(1);
      expect(provider.calls - before).toBe(1);
      return;
    }
  });

  it('trap 21: answers the others when the one who asked first has left', async () => {
    const before = provider.calls;
    const release = provider.hold();
    const body = question();
    const leaving = new AbortController();
    const come = arrival(0);
    const first = post(0, body(false), leaving.signal).catch(() => null);
    const left = once(await come, 'close');
    await called(before + 1);
    const arrivals = [arrival(0), arrival(1)];
    const others = [post(0, body(false)), post(1, body(true))];
    await Promise.all(arrivals);
    await overtaken();
    leaving.abort();
    expect(await first).toBeNull();
    await left;
    await overtaken();
    release();
    const answers = await Promise.all(others);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ text }) => markIn(text))).size).toBe(1);
    expect(provider.calls - before).toBe(1);
  });

  it('trap 15: does not keep an error of the provider, nor give it out as an answer', async () => {
    const body = question();
    provider.failOnce(500);
    const failed = await post(0, body(false));
    expect(failed.status).toBeGreaterThanOrEqual(500);
    const [anew, again] = [await post(1, body(false)), await post(0, body(false))];
    expect([anew.status, again.status]).toEqual([200, 200]);
    expect(markIn(again.text)).toBe(markIn(anew.text));
  });

  it('trap 13: tells requests apart by a parameter that only the provider knows', async () => {
    const option = { vendor_option: { deep: [1] } };
    const unknown = route === '/v1/generations' ? { params: option } : option;
    const body = question();
    const [plain, special] = [await post(0, body(false)), await post(0, { ...body(false), ...unknown })];
    expect(special.status).toBe(200);
    expect(markIn(special.text)).not.toBe(markIn(plain.text));
    expect(markIn((await post(1, body(false))).text)).toBe(markIn(plain.text));
  });

  it('trap 17: does not answer from one address what was asked of another', async () => {
    const [api] = apis as [TestApi];
    const body = question();
    const here = markIn((await post(0, body(false))).text);
    const name = route === '/v1/messages' ? 'anthropic' : 'openai';
    const base = route === '/v1/messages' ? elsewhere.url : `${elsewhere.url}/v1`;
    await request(api.server).post(`/api/providers/${name}`).set(key).send({ base_url: base }).expect(201);
    const before = elsewhere.calls;
    const there = markIn((await post(0, body(false))).text);
    expect([there === here, elsewhere.calls - before]).toEqual([false, 1]);
    await request(api.server).delete(`/api/providers/${name}`).set(key).expect(204);
    expect(markIn((await post(0, body(false))).text)).toBe(here);
    // The other process may have learned of it, and then learns within a second that it is gone.
    for (let calls = provider.calls; provider.calls === calls;) await post(1, question()(false));
  });
});
