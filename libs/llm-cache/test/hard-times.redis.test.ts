/** What a review broke: one call all the same, and nothing that hangs, where a part of Redis or of an answer is missing. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { question } from './questions.js';
import { DONE, HELLO, ROLE, say, STOP, StreamProvider, USAGE_CHUNK, withoutUsage } from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;
let running: GatewayProcess[];

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
});
beforeEach(() => {
  provider.reset();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((gateway) => gateway.stop()));
});
afterAll(() => provider.stop());

async function start(options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, ...options });
  running.push(gateway);
  return gateway.redisUp();
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('one call', () => {
  it('R1: for an entry that is too old for all who ask, over two processes', async () => {
    const [here, there] = await Promise.all([start(), start()]);
    const body = question();
    const first = here.post(body);
    (await provider.next()).end(HELLO);
    await (await first).text();
    await Promise.all([here, there].map((gateway) => gateway.untilOlder(body, 1)));
    const before = [here.asked, there.asked] as const;
    const asking = Array.from({ length: 40 }, (_, at) =>
      (at % 2 === 0 ? here : there).post(body, { 'cache-control': 'max-age=1' }),
    );
    const call = await provider.next();
    await Promise.all([here.settled(before[0] + 20), there.settled(before[1] + 20)]);
    call.end(HELLO);
    const outcomes = (await Promise.all(asking)).map(({ headers }) => headers.get('x-cache'));
    expect(outcomes.filter((outcome) => outcome !== 'COALESCED')).toEqual(['REFRESH']);
    expect(provider.calls).toBe(2);
  });

  it('R2: over two processes that cannot hear each other, while the lease can be seen', async () => {
    const state = await startRedis();
    const options = { redisUrl: state.url, llmRedisUrl: redis.url };
    const [here, there] = await Promise.all([start(options), start(options)]);
    await state.kill();
    const body = question();
    const asking = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? here : there).post(body));
    const call = await provider.next();
    await wait(1000);
    expect(provider.calls).toBe(1);
    call.end(HELLO);
    const responses = await Promise.all(asking);
    expect(responses.filter(({ status }) => status !== 200)).toEqual([]);
    expect(provider.calls).toBe(1);
  });

  it('R3: within a process whose Redis takes nothing', async () => {
    const full = await startRedis({ args: ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction'] });
    const gateway = await start({ redisUrl: full.url });
    const body = question();
    const asking = Array.from({ length: 50 }, () => gateway.post(body));
    const call = await provider.next();
    await gateway.settled(50);
    expect(provider.calls).toBe(1);
    call.end(HELLO);
    const outcomes = (await Promise.all(asking)).map(({ headers }) => headers.get('x-cache'));
    expect(outcomes.filter((outcome) => outcome !== 'COALESCED')).toEqual(['MISS']);
    expect(provider.calls).toBe(1);
  });
});

describe('an answer that is too long to be followed', () => {
  it('R8: is asked for again for one who has had nothing of it', async () => {
    const [here, there] = await Promise.all([start(), start()]);
    const body = question();
    const first = here.post(body);
    const call = await provider.next();
    call.say(ROLE, say('x'));
    await wait(100);
    const second = there.post(body);
    await wait(300);
    for (let part = 0; part < 10; part += 1) call.say(say('y'.repeat(1_000_000)));
    call.end(STOP, USAGE_CHUNK, DONE);
    (await provider.next()).end(HELLO);
    expect((await first).status).toBe(200);
    const followed = await second;
    expect(followed.status).toBe(200);
    expect(await followed.text()).toContain('Hello');
    expect(provider.calls).toBe(2);
  });
});

describe('an answer that is none', () => {
  it('R5: an event that is too large ends the call at once', async () => {
    const gateway = await start({ bounds: { maxFrameBytes: 1000 } });
    const pending = gateway.post(question());
    const call = await provider.next();
    call.say(ROLE, `data: ${'x'.repeat(5000)}`);
    expect((await pending).status).toBe(502);
    await call.closed;
  });

  it.each([
    ['no finish reason', ROLE + say('half')],
    ['half an event', `${ROLE}${say('half')}data: {"choi`],
  ])('a stream that ends early and cleanly with %s ends with an error for its reader', async (_, stream) => {
    const gateway = await start();
    const body = question({ stream: true });
    const pending = gateway.post(body);
    (await provider.next()).end(stream);
    const text = await (await pending).text();
    expect(text.startsWith(withoutUsage(ROLE + say('half')))).toBe(true);
    expect(text).toContain('"type":"server_error"');

    const reading = gateway.openai.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'early end' }],
      stream: true,
    });
    (await provider.next()).end(ROLE + say('half'));
    const readAll = async (): Promise<void> => {
      for await (const part of await reading) void part;
    };
    await expect(readAll()).rejects.toThrow('broke off');
  });

  it.each([
    ['an empty object', {}],
    ['choices that are no list', { choices: 'x' }],
  ])('200 with %s is a 502', async (_, answer) => {
    const gateway = await start();
    const pending = gateway.post(question());
    (await provider.next()).json(200, answer);
    const response = await pending;
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ code: 'upstream_invalid_response' }) });
  });
});

describe('what is refused', () => {
  it.each([401, 403])("a %i of the provider is not about the caller's key", async (status) => {
    const gateway = await start();
    const pending = gateway.post(question());
    (await provider.next()).json(status, { error: { message: 'Incorrect API key provided: sk-up****' } });
    const response = await pending;
    expect(response.status).toBe(502);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      error: { message: expect.any(String), type: 'server_error', param: null, code: 'upstream_unauthorized' },
    });
    expect(text).not.toContain('sk-');
    expect([response.headers.get('x-cache'), response.headers.get('cache-status')]).toEqual([
      'MISS',
      'promptsales; fwd=miss',
    ]);
    expect(gateway.events).toContainEqual(expect.stringMatching(/^failed LlmError/));
  });

  it("a page for humans becomes an error in OpenAI's shape", async () => {
    const gateway = await start();
    const pending = gateway.post(question());
    const { response: raw } = await provider.next();
    raw.writeHead(503, { 'content-type': 'text/html', 'retry-after': '9' }).end('<html>busy</html>');
    const response = await pending;
    expect([response.status, response.headers.get('retry-after'), response.headers.get('content-type')]).toEqual([
      503,
      '9',
      'application/json',
    ]);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: 'server_error', param: null, code: 'upstream_error' },
    });
  });

  it('only-if-cached says that nothing was forwarded', async () => {
    const gateway = await start();
    const { status, headers } = await gateway.post(question(), { 'cache-control': 'only-if-cached' });
    expect([status, headers.get('x-cache'), headers.get('cache-status')]).toEqual([
      504,
      'MISS',
      'promptsales; detail=only-if-cached',
    ]);
  });
});

describe('shutdown', () => {
  it('a gateway that cannot be ended does not keep what comes after it from its end', async () => {
    const gateway = await start();
    gateway.ledger.begin = () => new Promise(() => undefined);
    const asked = gateway.post(question()).catch(() => null);
    await gateway.settled(1);
    gateway.app.getHttpServer().closeAllConnections();
    await expect(gateway.app.close()).resolves.toBeUndefined();
    await asked;
  });

  it('R6: does not wait for a list of models that nobody waits for', async () => {
    const silent = createServer(() => undefined).listen(0);
    const { port } = silent.address() as AddressInfo;
    const gateway = await start({ providerUrl: `http://127.0.0.1:${port}/v1` });
    const leaving = new AbortController();
    const asked = fetch(`${gateway.url}/v1/models`, { signal: leaving.signal }).catch(() => null);
    await once(silent, 'request');
    leaving.abort();
    await asked;
    await expect(gateway.app.close()).resolves.toBeUndefined();
    silent.closeAllConnections();
    silent.close();
  });
});
