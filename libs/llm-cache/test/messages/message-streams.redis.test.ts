/** Anthropic's streams on real sockets: bytes as they came, two processes on one call, and what is too large. */
import Anthropic from '@anthropic-ai/sdk';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess, type GatewayProcessOptions } from '../gateway-process.js';
import { EventReader, StreamProvider } from '../stream-provider.js';

const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const say = (text: string): string => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
const usage = { input_tokens: 8, output_tokens: 1 };
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, usage };
const BEGIN =
  event('message_start', { message }) +
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
  event('ping');
const END =
  event('content_block_stop', { index: 0 }) +
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 4 } }) +
  event('message_stop');
const HELLO = BEGIN + say('Hel') + say('lo ') + say('ñ😀') + END;

let redis: TestRedis;
let provider: StreamProvider;
let here: GatewayProcess;
let there: GatewayProcess;
let questions = 0;

const start = async (options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> => {
  // The base URL of Anthropic's SDKs ends before the version.
  const providerUrl = provider.baseUrl.replace('/v1', '');
  return (
    await GatewayProcess.start({ redisUrl: redis.url, providerUrl, provider: 'anthropic', ...options })
  ).redisUp();
};

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  [here, there] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await provider.stop();
});
beforeEach(() => provider.reset());

const HEADERS = { 'content-type': 'application/json', 'x-api-key': 'k1', 'anthropic-version': '2023-06-01' };

function question(more: object = {}): Record<string, unknown> {
  questions += 1;
  return { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: `question ${questions}` }], ...more };
}

function post(gateway: GatewayProcess, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: JSON.stringify(body),
  });
}

async function answered(answer: Promise<Response>): Promise<{ status: number; cache: string | null; text: string }> {
  const response = await answer;
  return { status: response.status, cache: response.headers.get('x-cache'), text: await response.text() };
}

it('trap 14: attaches to a stream that another process receives, from its first event, and replays it byte for byte', async () => {
  const asked = question({ stream: true });
  const leading = new EventReader(await opened(here, asked, BEGIN + say('Hel')));
  const before = there.asked;
  const asJson = answered(post(there, { ...asked, stream: false }));
  await there.settled(before + 1);
  const following = new EventReader(await post(there, asked));
  expect(await following.until('Hel')).toBe(BEGIN + say('Hel'));
  open?.end(say('lo '), say('ñ😀'), END);
  expect([await leading.rest(), await following.rest()]).toEqual([HELLO, HELLO]);
  const { cache, text } = await asJson;
  expect([cache, JSON.parse(text)]).toMatchObject(['COALESCED', { content: [{ type: 'text', text: 'Hello ñ😀' }] }]);
  for (const gateway of [here, there]) {
    expect(await answered(post(gateway, asked))).toEqual({ status: 200, cache: 'HIT', text: HELLO });
    expect(await answered(post(gateway, { ...asked, stream: false }))).toEqual({ status: 200, cache: 'HIT', text });
  }
  expect(provider.calls).toBe(1);
});

let open: Awaited<ReturnType<StreamProvider['next']>> | undefined;

/** A response whose provider has said so much. */
async function opened(gateway: GatewayProcess, body: object, ...said: string[]): Promise<Response> {
  const response = post(gateway, body);
  open = await provider.next();
  open.say(...said);
  return response;
}

it('trap 21: goes on when the first client leaves, and gives the others the whole', async () => {
  const asked = question({ stream: true });
  const leaving = new AbortController();
  const first = fetch(`${here.url}/v1/messages`, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify(asked),
    signal: leaving.signal,
  });
  const call = await provider.next();
  call.say(BEGIN);
  await first;
  const other = new EventReader(await post(there, asked));
  await other.until('ping');
  leaving.abort();
  call.end(say('Hel'), say('lo '), say('ñ😀'), END);
  expect(await other.rest()).toBe(HELLO);
});

it.each([
  ['an error event', event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })],
  ['its end without message_stop', ''],
])('trap 21: with %s in its middle a stream is not stored', async (_what, last) => {
  const asked = question({ stream: true });
  for (let time = 0; time < 2; time += 1) {
    const response = await opened(here, asked, BEGIN, say('Hel'), last);
    open?.response.end();
    const text = await new EventReader(response).rest();
    expect(text.startsWith(BEGIN + say('Hel') + last)).toBe(true);
    expect(text).toContain('event: error\n');
  }
  expect(provider.calls).toBe(2);
});

it('presents the credential of this server as Anthropic takes it, and nothing of the caller', async () => {
  const answer = answered(
    post(here, question(), { 'anthropic-beta': 'b-1', cookie: 'c=1', authorization: 'Bearer k2' }),
  );
  const { call, ...conversation } = await provider.next();
  conversation.response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_1' }).end(HELLO);
  expect([(await answer).status, call.url]).toEqual([200, '/v1/messages']);
  expect(call.headers).toMatchObject({
    'x-api-key': 'sk-upstream',
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'b-1',
  });
  expect(call.headers).not.toHaveProperty('authorization');
  expect(call.headers).not.toHaveProperty('cookie');
});

it('gives an SDK that reads a failed stream an error, as Anthropic does', async () => {
  const client = new Anthropic({ baseURL: here.url, apiKey: 'k1', maxRetries: 0 });
  const reading = client.messages.stream(question() as never).finalMessage();
  const call = await provider.next();
  call.say(BEGIN);
  call.die();
  await expect(reading).rejects.toMatchObject({ error: { type: 'error', error: { type: 'api_error' } } });
});

it('asks once more in the client’s own form where a provider does not stream, and makes the stream of its JSON', async () => {
  const asked = question();
  const answer = answered(post(here, asked));
  const whole = {
    ...message,
    content: [{ type: 'text', text: 'Hello ñ😀' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
  };
  (await provider.next()).json(400, { type: 'error', error: { message: 'stream: not supported' } });
  const own = await provider.next();
  expect(JSON.parse(own.call.body)).toEqual(asked);
  own.json(200, whole);
  expect(JSON.parse((await answer).text)).toEqual(whole);
  const { cache, text } = await answered(post(here, { ...asked, stream: true }));
  expect(cache).toBe('HIT');
  expect(
    text.startsWith('event: message_start\n') &&
      text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'),
  ).toBe(true);
});

it('serves what it could not put together for sure in the form alone in which it came', async () => {
  const asked = question({ stream: true });
  const odd = BEGIN + say('Hel') + event('something_new') + END;
  const response = await opened(here, asked, odd);
  open?.response.end();
  expect(await response.text()).toBe(odd);
  expect(await answered(post(here, asked))).toEqual({ status: 200, cache: 'HIT', text: odd });
  const asJson = answered(post(here, { ...asked, stream: false }));
  (await provider.next()).end(HELLO);
  expect((await asJson).cache).toBe('MISS');
});

it('passes 100 MB on as they come, in bounded memory, and keeps none of it', async () => {
  const asked = question({ stream: true });
  const piece = say('x'.repeat(64 * 1024));
  const pieces = 1600;
  const response = post(here, asked);
  const call = await provider.next();
  call.say(BEGIN);
  let received = 0;
  const reading = (async (): Promise<void> => {
    for await (const bytes of (await response).body as unknown as AsyncIterable<Uint8Array>) received += bytes.length;
  })();
  for (let sent = 0; sent < pieces; sent += 1) {
    if (!call.response.write(piece)) await new Promise((resolve) => call.response.once('drain', resolve));
  }
  call.end(END);
  await reading;
  expect(received).toBe(Buffer.byteLength(BEGIN + END) + pieces * Buffer.byteLength(piece));
  expect(here.events).toContain('kept too_large');
});

it('refuses a single event of 100 MB with an error that SDKs read', async () => {
  const asked = question({ stream: true });
  const response = await opened(here, asked, BEGIN);
  const reading = new EventReader(response).rest();
  const piece = 'x'.repeat(1024 * 1024);
  open?.response.write('data: ');
  for (let sent = 0; sent < 100 && open?.response.writable === true; sent += 1) {
    open.response.write(piece);
    await Promise.race([new Promise((resolve) => setImmediate(resolve)), open.closed]);
  }
  expect(await reading).toContain('"code":"upstream_too_large"');
  await open?.closed;
});
