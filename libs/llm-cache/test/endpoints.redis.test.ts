/** What every endpoint of OpenAI's API gets from the machinery around its protocol, event by event and over two processes. */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { APIError } from 'openai';
import { COMPLETED, CREATED, delta, event, MESSAGE, RESPONSE, SAMPLES, type Sample } from './endpoint-samples.js';
import { GatewayProcess } from './gateway-process.js';
import { EventReader, StreamProvider } from './stream-provider.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let redis: TestRedis;
let provider: StreamProvider;
let here: GatewayProcess;
let there: GatewayProcess;
let questions = 0;

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  const start = async () =>
    (await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl })).redisUp();
  [here, there] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  // A connection on which nothing was asked yet, such as undici's next after one that was given up, is not idle to Node.
  for (const { app } of [here, there]) app.getHttpServer().closeAllConnections();
  await Promise.all([here.stop(), there.stop()]);
  await provider.stop();
});
beforeEach(() => {
  provider.reset();
  here.events.length = 0;
});

const unasked = (): string => `question ${++questions}`;
const post = (gateway: GatewayProcess, { route }: Sample, body: object, headers: Record<string, string> = {}) =>
  gateway.post(body, headers, null, route);
const streamed = async (gateway: GatewayProcess, sample: Sample, body: object): Promise<EventReader> =>
  new EventReader(await post(gateway, sample, { ...body, stream: true }));

describe.each(Object.keys(SAMPLES))('%s', (name) => {
  const sample = SAMPLES[name] as Sample;
  const whole = sample.stream.join('');

  it('trap 21: a live stream is followed from another process, as events and as JSON, byte for byte', async () => {
    const body = sample.question(unasked());
    const first = streamed(here, sample, body);
    const call = await provider.next();
    expect(call.call.url).toBe(`/v1${sample.route.slice('/v1'.length)}`);
    call.say(sample.stream[0]);
    await (await first).until('early');
    const second = await streamed(there, sample, body);
    await second.until('early');
    const json = post(there, sample, body);
    call.say(sample.stream[1]);
    await second.until('late');
    call.end(sample.stream[2]);
    expect(await second.rest()).toBe(whole);
    expect(await (await first).rest()).toBe(whole);
    expect(await (await json).json()).toEqual(sample.json);
    const hit = await post(there, sample, { ...body, stream: true });
    expect([hit.headers.get('x-cache'), await hit.text()]).toEqual(['HIT', whole]);
    expect(provider.calls).toBe(1);
  });

  it.each(['\n', '\r\n'])(
    'trap 14: whatever lines end in (%j) and lies between events, byte by byte and byte for byte',
    async (end) => {
      const body = sample.question(unasked());
      const [first, second, third] = sample.stream;
      const odd = `\uFEFF: hello\n\n${first}event: ping\n\n: ping\n\n${second}id: 7\nretry: 10\n\n${third}`;
      const stream = Buffer.from(odd.replaceAll('\n', end));
      const asked = streamed(here, sample, body);
      const call = await provider.next();
      call.response.writeHead(200, { 'content-type': 'text/event-stream' });
      const reading = asked.then((reader) => reader.rest());
      for (const byte of stream) {
        call.response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      call.end();
      expect(await reading).toBe(String(stream));
      const hit = await post(here, sample, { ...body, stream: true });
      expect(hit.headers.get('x-cache')).toBe('HIT');
      expect(Buffer.from(await hit.arrayBuffer()).equals(stream)).toBe(true);
      const json = await post(there, sample, body);
      expect([json.headers.get('x-cache'), await json.json()]).toEqual(['HIT', sample.json]);
    },
  );

  it('trap 11: of 100 MB a stream runs through without being held', async () => {
    const { long } = sample;
    const pieces = Math.ceil((100 * 1024 * 1024) / long.length);
    const asked = post(here, sample, { ...sample.question(unasked()), stream: true });
    const { response } = await provider.next();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(sample.stream[0]);
    const held = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = held();
    let most = 0;
    let late = 0;
    const saying = (async () => {
      for (let n = 0; n < pieces; n += 1) {
        if (!response.write(long)) await once(response, 'drain');
        if (n % Math.ceil(pieces / 20) !== 0) continue;
        most = Math.max(most, held() - before);
        if (n > pieces / 2) late = Math.max(late, held() - before);
      }
      response.end(sample.stream[2]);
    })();
    let bytes = 0;
    for await (const part of (await asked).body as unknown as AsyncIterable<Uint8Array>) bytes += part.length;
    await saying;
    expect(bytes).toBe(sample.stream[0].length + pieces * long.length + sample.stream[2].length);
    // In this process with its provider and its reader: at first 8 MiB as they came, and what may still become a JSON answer of
    // 32 MiB, twice while it is measured; once it cannot, a window of 1 MiB.
    expect(most).toBeLessThan(96 * 1024 * 1024);
    expect(late).toBeLessThan(24 * 1024 * 1024);
  });

  it('trap 18: fifty simultaneous identical requests to two processes, half of them streams, make one call', async () => {
    const body = sample.question(unasked());
    const asking = Array.from({ length: 50 }, (_, at) =>
      post(at % 2 === 0 ? here : there, sample, at % 4 < 2 ? body : { ...body, stream: true }),
    );
    const call = await provider.next();
    call.say(sample.stream[0]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    call.end(sample.stream[1], sample.stream[2]);
    const texts = await Promise.all((await Promise.all(asking)).map((response) => response.text()));
    expect(provider.calls).toBe(1);
    expect(new Set(texts.filter((_, at) => at % 4 >= 2))).toEqual(new Set([whole]));
    expect(new Set(texts.filter((_, at) => at % 4 < 2).map((text) => JSON.stringify(JSON.parse(text)))).size).toBe(1);
    expect(JSON.parse(texts[0] ?? '')).toEqual(sample.json);
  });

  it('trap 21: the first client leaves, and those in both processes lose nothing', async () => {
    const body = sample.question(unasked());
    const leaving = new AbortController();
    const first = here.post({ ...body, stream: true }, {}, leaving.signal, sample.route);
    const call = await provider.next();
    call.say(sample.stream[0]);
    await first;
    const [second, third] = await Promise.all([streamed(here, sample, body), streamed(there, sample, body)]);
    leaving.abort();
    call.say(sample.stream[1]);
    await Promise.all([second.until('late'), third.until('late')]);
    call.end(sample.stream[2]);
    expect(await Promise.all([second.rest(), third.rest()])).toEqual([whole, whole]);
    expect((await post(there, sample, body)).headers.get('x-cache')).toBe('HIT');
    expect(provider.calls).toBe(1);
  });

  it('trap 15: a stream without its last event is passed on with an error at its end, and not kept', async () => {
    const body = sample.question(unasked());
    const first = streamed(here, sample, body);
    (await provider.next()).end(sample.stream[0], sample.stream[1]);
    const text = await (await first).rest();
    expect(text.startsWith(sample.stream[0] + sample.stream[1])).toBe(true);
    expect(text).toContain('"code":"upstream_died"');
    const again = post(here, sample, body);
    (await provider.next()).end(whole);
    expect((await again).headers.get('x-cache')).toBe('MISS');
  });

  it('trap 13: takes a tool schema of a megabyte, and tells it from one that differs at its end', async () => {
    const tools = (last: string) => [{ type: 'function', name: 'f', parameters: { text: 'x'.repeat(1 << 20) + last } }];
    const body = sample.question(unasked());
    const first = post(here, sample, { ...body, tools: tools('a') });
    (await provider.next()).end(whole);
    await (await first).arrayBuffer();
    expect((await post(here, sample, { ...body, tools: tools('a') })).headers.get('x-cache')).toBe('HIT');
    const other = post(here, sample, { ...body, tools: tools('b') });
    (await provider.next()).end(whole);
    expect((await other).headers.get('x-cache')).toBe('MISS');
  });

  it('answers a body that it cannot take in its own shape, and asks nobody', async () => {
    const answer = await post(here, sample, { model: 'm' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: 'missing_required_parameter', type: 'invalid_request_error' }) },
    ]);
    expect(provider.calls).toBe(0);
  });
});

describe('a response', () => {
  const sample = SAMPLES['responses'] as Sample;

  it.each([[{ previous_response_id: 'resp_0' }], [{ conversation: 'conv_1' }], [{ background: true }]])(
    'trap 15: that is %j goes out as it came, comes back as it is, and is not kept',
    async (more) => {
      const body = JSON.stringify({ ...sample.question(unasked()), ...more, odd: ' spaces ' }, null, 3);
      const queued = { ...RESPONSE, status: 'queued', output: [] };
      for (let n = 0; n < 2; n += 1) {
        const asked = here.post(body, {}, null, sample.route);
        const call = await provider.next();
        expect(call.call.body).toBe(body);
        call.json(200, queued);
        const answer = await asked;
        expect([answer.headers.get('x-cache'), answer.headers.get('cache-status'), await answer.json()]).toEqual([
          'BYPASS',
          'promptsales; fwd=bypass; detail=bypass; promptsales-reason=stateful',
          queued,
        ]);
      }
      expect(here.events.filter((one) => one.startsWith('kept stored'))).toEqual([]);
    },
  );

  it('trap 15: that fails in the middle reaches the reader as it is said, is an object as JSON, and is not kept', async () => {
    const body = sample.question(unasked());
    const failed = { ...RESPONSE, status: 'failed', error: { code: 'server_error', message: 'It broke.' }, output: [] };
    const stream = CREATED + delta('half') + event('response.failed', { response: failed });
    const asked = streamed(here, sample, body);
    (await provider.next()).end(stream);
    expect(await (await asked).rest()).toBe(stream);
    const asJson = post(here, sample, body);
    (await provider.next()).end(stream);
    expect([(await asJson).status, await (await asJson).json()]).toEqual([200, failed]);
  });

  it('whose provider says that it cannot go on makes the SDK throw, in both forms', async () => {
    const error = { type: 'server_error', code: 'server_error', message: 'It broke.', param: null };
    const stream = CREATED + event('error', { ...error, type: 'error', error });
    const params = { model: 'gpt-5', input: unasked() };
    const reading = (async () => {
      for await (const one of await here.openai.responses.create({ ...params, stream: true })) void one;
    })();
    (await provider.next()).end(stream);
    await expect(reading).rejects.toThrow('It broke.');
    const asJson = here.openai.responses.create(params);
    (await provider.next()).end(stream);
    await expect(asJson).rejects.toMatchObject({ status: 502, message: expect.stringContaining('It broke.') });
    await expect(asJson).rejects.toThrow(APIError);
  });

  it('whose stream breaks off makes the SDK throw', async () => {
    const reading = (async () => {
      const params = { model: 'gpt-5', input: unasked() };
      for await (const one of await here.openai.responses.create({ ...params, stream: true })) void one;
    })();
    const call = await provider.next();
    call.say(CREATED, delta('half'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    call.die();
    await expect(reading).rejects.toThrow(APIError);
  });

  it('whose last event contradicts the items is kept as a stream, and is a miss as JSON', async () => {
    const body = sample.question(unasked());
    const other = { ...MESSAGE, id: 'msg_2' };
    const stream = CREATED + event('response.output_item.done', { output_index: 0, item: other }) + COMPLETED;
    const asked = streamed(here, sample, body);
    (await provider.next()).end(stream);
    await (await asked).rest();
    expect((await post(here, sample, { ...body, stream: true })).headers.get('x-cache')).toBe('HIT');
    const asJson = post(here, sample, body);
    (await provider.next()).end(stream);
    expect([(await asJson).headers.get('x-cache'), await (await asJson).json()]).toEqual(['MISS', RESPONSE]);
  });

  it('of a provider that answers JSON only is streamed in the events in which OpenAI does', async () => {
    const params = { model: 'gpt-5-json', input: unasked() };
    const stream = here.openai.responses.stream(params);
    const final = stream.finalResponse();
    (await provider.next()).json(200, RESPONSE);
    expect(await final).toMatchObject({ id: 'resp_1', output_text: 'early late' });
    expect(await here.openai.responses.create(params)).toMatchObject(RESPONSE);
    expect(provider.calls).toBe(1);
  });
});
