import { keyspace, physicalKey } from '@promptsales/cache-core';
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { upstreamService } from '../src/index.js';
import { GatewayProcess } from './gateway-process.js';
import { RawProvider, type Answering } from './raw-provider.js';

const ANSWER = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});
const works: Answering = (_, response) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
const refuses =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (_, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end('{"error":{"message":"no","type":"t","param":null,"code":null}}');
const breaksOff: Answering = (_, response, socket) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n', () =>
    socket.destroy(),
  );
};

describe('a provider in trouble', () => {
  let redis: TestRedis;
  let provider: RawProvider;
  let here: GatewayProcess;
  let there: GatewayProcess;
  let questions = 0;

  const question = (): object => {
    questions += 1;
    return { model: 'gpt-4o', messages: [{ role: 'user', content: `question ${questions}` }] };
  };
  const start = async (openMs: number, commandTimeoutMs: number): Promise<GatewayProcess> =>
    (
      await GatewayProcess.start({
        redisUrl: redis.url,
        providerUrl: provider.baseUrl,
        times: { commandTimeoutMs },
        breaker: { windowMs: 600_000, consecutiveFailures: 3, firstOpenMs: openMs, mostOpenMs: openMs, paceMs: 50 },
      })
    ).redisUp();
  const statusOf = (process: GatewayProcess) => process.breakers?.of(upstreamService(process.target)).view.status;
  const untilIs = (process: GatewayProcess, status: string): Promise<void> => until(() => statusOf(process) === status);
  const ask = async (times: number, process = here): Promise<number[]> => {
    const statuses: number[] = [];
    for (let time = 0; time < times; time += 1) statuses.push((await process.post(question())).status);
    return statuses;
  };

  /** @param openMs outlasts a test, unless it is about what comes then */
  const begin = async (openMs = 600_000, commandTimeoutMs = 10_000): Promise<void> => {
    [here, there] = await Promise.all([start(openMs, commandTimeoutMs), start(openMs, commandTimeoutMs)]);
    // Each of them has the breaker from its first call.
    await Promise.all([ask(1, here), ask(1, there)]);
    // Both hear of what the other finds out.
    const breaker = keyspace.circuitBreaker.at({ service: upstreamService(here.target) });
    const channel = `wake:${physicalKey('', breaker.key)}`;
    const state = here.roles.link('state');
    await until(async () => {
      const [, listening] = await state.readAt(channel, (client) => client.pubsub('NUMSUB', channel));
      return listening === 2;
    });
  };

  beforeEach(async () => {
    redis = await startRedis();
    provider = await RawProvider.start(works);
  });

  afterEach(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await Promise.all([provider.stop(), redis.kill()]);
  });

  test('is not asked by any process once it has failed too often, and everybody is told so in OpenAI’s shape', async () => {
    await begin();
    provider.answers(refuses(500));
    expect(await ask(3)).toEqual([500, 500, 500]);
    await untilIs(there, 'open');
    const [calls, lines] = [provider.calls.length, there.ledger.calls.length];
    const answer = await there.post(question());
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual({
      error: {
        message: expect.stringContaining('is not asked at the moment'),
        type: 'server_error',
        param: null,
        code: 'upstream_circuit_open',
      },
    });
    expect((await there.post({ ...question(), stream: true })).status).toBe(503);
    expect(provider.calls.length).toBe(calls);
    // What was not asked is neither a call nor an unknown cost.
    expect(there.ledger.calls.length).toBe(lines);
  });

  test('goes on serving what is stored, and what is stale where the caller takes it', async () => {
    await begin();
    const known = question();
    await (await here.post(known)).text();
    await here.untilOlder(known, 0);
    provider.answers(refuses(503));
    await ask(3);
    expect(statusOf(here)).toBe('open');
    expect((await here.post(known)).headers.get('x-cache')).toBe('HIT');
    const stale = await here.post(known, { 'cache-control': 'max-age=0, stale-if-error=6000' });
    expect([stale.status, stale.headers.get('x-cache')]).toEqual([200, 'STALE']);
    // There was no call that would count the request.
    expect(here.ledger.hits.at(-1)).toMatchObject({ kind: 'stale' });
    expect(here.ledger.hits.at(-1)).not.toHaveProperty('part');
  });

  test('is asked by one caller when its time is over, and by all when that went well', async () => {
    await begin(1000);
    provider.answers(refuses(502));
    await ask(3);
    await untilIs(there, 'open');
    provider.answers(works);
    const calls = provider.calls.length;
    let statuses: number[] = [];
    while (!statuses.includes(200)) {
      statuses = (await Promise.all([ask(1, here), ask(1, there)])).flat();
      if (!statuses.includes(200)) expect(provider.calls.length).toBe(calls);
    }
    await Promise.all([untilIs(here, 'closed'), untilIs(there, 'closed')]);
    expect(await ask(3, there)).toEqual([200, 200, 200]);
  });

  test.each([
    ['a caller’s own mistake', refuses(400), 400],
    ['a limit', refuses(429, { 'retry-after': '60' }), 429],
    ['our credential', refuses(401), 502],
    ['what it does not know', refuses(501), 501],
  ])('is not in trouble for refusing %s', async (_name, answering, status) => {
    await begin();
    provider.answers(answering);
    expect(await ask(8)).toEqual(Array.from({ length: 8 }, () => status));
    expect(statusOf(here)).toBe('closed');
  });

  test('is in trouble when answers break off in the middle', async () => {
    await begin();
    provider.answers(breaksOff);
    for (let time = 0; time < 3; time += 1) await (await here.post({ ...question(), stream: true })).text();
    await untilIs(here, 'open');
    expect(await ask(1)).toEqual([503]);
  });

  test('is not in trouble because callers leave', async () => {
    await begin();
    provider.answers(() => {});
    for (let time = 0; time < 6; time += 1) {
      const leaving = new AbortController();
      const calls = provider.calls.length;
      const asking = here.post(question(), {}, leaving.signal).catch(() => null);
      await until(() => provider.calls.length > calls);
      leaving.abort();
      await asking;
    }
    provider.answers(works);
    expect(await ask(2)).toEqual([200, 200]);
    expect(statusOf(here)).toBe('closed');
  });

  test('trap 8: is found out and recovered from without Redis as well', async () => {
    await begin(3000, 1000);
    redis.freeze();
    // Otherwise each of the first waits for it, and the breaker's time runs meanwhile.
    await until(() => here.roles.links().every(({ up }) => !up), 100_000);
    provider.answers(refuses(500));
    expect(await ask(4)).toEqual([500, 500, 500, 503]);
    provider.answers(works);
    let status = 503;
    while (status !== 200) [status] = (await ask(1)) as [number];
    expect(statusOf(here)).toBe('closed');
    redis.thaw();
  });
});

test.each([
  ['https://api.openai.com/v1', 'openai@api.openai.com'],
  ['https://api.openai.com:8443/v1', 'openai@api.openai.com:8443'],
  ['http://127.0.0.1:9/v1', 'openai@127.0.0.1:9'],
  ['http://provider/v1', 'openai@provider:80'],
  ['https://key:secret@provider/v1', 'openai@provider'],
])('the breaker of %s is %s', (baseUrl, service) => {
  expect(upstreamService({ provider: 'openai', baseUrl })).toBe(service);
});
