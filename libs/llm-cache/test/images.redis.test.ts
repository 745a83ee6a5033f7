/** Images over HTTP, on a real Redis, with the official SDK: as JSON, behind addresses, and drawn before one's eyes. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import OpenAI from 'openai';
import type { ImageGenStreamEvent } from 'openai/resources/images';
import { GatewayProcess } from './gateway-process.js';
import { RawProvider } from './raw-provider.js';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex').toString('base64');
const USAGE = {
  input_tokens: 9,
  input_tokens_details: { text_tokens: 9, image_tokens: 0 },
  output_tokens: 4160,
  total_tokens: 4169,
};
const URL_1 = 'https://images.example/1.png';

interface Body {
  readonly model: string;
  readonly prompt: string;
  readonly n?: number;
  readonly stream?: boolean;
  readonly partial_images?: number;
}

let redis: TestRedis;
let provider: RawProvider;
let gateway: GatewayProcess;
let other: GatewayProcess;
let direct: OpenAI;
let gate: Promise<void> = Promise.resolve();

beforeAll(async () => {
  provider = await RawProvider.start(async (call, response) => {
    const body = JSON.parse(call.body) as Body;
    await gate;
    if (body.stream === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(eventsOf(body).join(''));
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    const image = body.prompt.startsWith('url')
      ? { url: URL_1 }
      : { b64_json: body.prompt.startsWith('bad') ? '<svg>' : PNG };
    const data = Array.from({ length: body.n ?? 1 }, () => ({ ...image, revised_prompt: `better: ${body.prompt}` }));
    // DALL·E counts no tokens.
    const told = body.model === 'dall-e-3' ? {} : { size: '1024x1024', quality: 'high', usage: USAGE };
    response.end(JSON.stringify({ created: 7, data, ...told }));
  });
  redis = await startRedis();
  const start = async () =>
    (await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl })).redisUp();
  [gateway, other] = await Promise.all([start(), start()]);
  direct = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'k', maxRetries: 0 });
});
afterAll(async () => {
  await Promise.all([gateway.stop(), other.stop()]);
  await provider.stop();
});
beforeEach(() => {
  provider.calls.length = 0;
  gateway.ledger.calls.length = 0;
  gateway.ledger.hits.length = 0;
});

function eventsOf({ n = 1, partial_images: partials = 0, prompt }: Body): string[] {
  const event = (type: string, more: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: prompt.startsWith('bad') ? '<svg>' : PNG, created_at: 7, size: '1024x1024', ...more })}\n\n`;
  return Array.from({ length: n }, () => [
    ...Array.from({ length: partials }, (_none, at) =>
      event('image_generation.partial_image', { partial_image_index: at }),
    ),
    event('image_generation.completed', { usage: USAGE }),
  ]).flat();
}

function post(body: object, headers: Record<string, string> = {}, to = gateway): Promise<Response> {
  return fetch(`${to.url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k1', ...headers },
    body: JSON.stringify({ model: 'gpt-image-1', ...body }),
  });
}

async function drawn(client: OpenAI, prompt: string, more: object = {}): Promise<ImageGenStreamEvent[]> {
  const stream = await client.images.generate({
    model: 'gpt-image-1',
    prompt,
    partial_images: 2,
    ...more,
    stream: true,
  });
  const events: ImageGenStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('the official SDK', () => {
  it.each([
    ['base64', { prompt: 'a cat' }],
    ['an address', { prompt: 'url of a cat' }],
    ['several', { prompt: 'cats', n: 3 }],
  ])('gets the provider’s own object, on a miss, on hits and while others wait: %s', async (_what, request) => {
    const own = await direct.images.generate({ model: 'gpt-image-1', ...request });
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    const together = [gateway, gateway, other].map((one) =>
      one.openai.images.generate({ model: 'gpt-image-1', ...request }),
    );
    while (provider.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    held.resolve();
    expect(await Promise.all(together)).toEqual([own, own, own]);
    for (const client of [gateway, other]) {
      expect(await client.openai.images.generate({ model: 'gpt-image-1', ...request })).toEqual(own);
    }
    expect(provider.calls).toHaveLength(2);
  });

  it.each([
    ['one', {}],
    ['two', { n: 2 }],
    ['without drafts', { partial_images: 0 }],
  ])('gets the provider’s own events, on a miss, on hits and while others draw: %s', async (what, more) => {
    const prompt = `a dog: ${what}`;
    const own = await drawn(direct, prompt, more);
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    const together = [gateway, gateway, other].map((one) => drawn(one.openai, prompt, more));
    while (provider.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    held.resolve();
    expect(await Promise.all(together)).toEqual([own, own, own]);
    expect(await drawn(gateway.openai, prompt, more)).toEqual(own);
    expect(await drawn(other.openai, prompt, more)).toEqual(own);
    expect(provider.calls).toHaveLength(2);
  });
});

it('asks in the form in which it is asked: a stream has drafts that the JSON has not', async () => {
  await post({ prompt: 'a form' });
  await drawn(gateway.openai, 'a form');
  expect(provider.calls.map(({ body }) => (JSON.parse(body) as Body).stream)).toEqual([undefined, true]);
});

it('keeps an address no longer than it is good for, and an image as long as any answer', async () => {
  const ttlOf = async (body: object, headers = {}) => {
    await (await post(body, headers)).arrayBuffer();
    const hit = await post(body, headers);
    expect(hit.headers.get('x-cache')).toBe('HIT');
    return Number(/ttl=(\d+)/.exec(hit.headers.get('cache-status') ?? '')?.[1]);
  };
  expect(await ttlOf({ prompt: 'url 1' })).toBeLessThanOrEqual(3000);
  expect(await ttlOf({ prompt: 'url 2' }, { 'x-cache-ttl': '86400' })).toBeLessThanOrEqual(3000);
  expect(await ttlOf({ prompt: 'url 3' }, { 'x-cache-ttl': '60' })).toBeLessThanOrEqual(60);
  expect(await ttlOf({ prompt: 'an image' })).toBeGreaterThan(600_000);
});

it.each([false, true])('trap 15: passes on base64 that is none, and does not keep it (stream: %s)', async (stream) => {
  const ask = async () => {
    const response = await post({ prompt: 'bad', stream });
    return [response.status, response.headers.get('x-cache'), await response.text()];
  };
  const first = await ask();
  expect(first.slice(0, 2)).toEqual([200, 'MISS']);
  expect(first[2]).toContain('<svg>');
  expect(await ask()).toEqual(first);
  expect(gateway.events).toContain('kept no_image');
});

it('passes on an answer beyond the size cap, and does not keep it', async () => {
  const small = await (
    await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, bounds: { maxStoredBytes: 64 } })
  ).redisUp();
  try {
    for (const outcome of ['MISS', 'MISS']) {
      const response = await post({ prompt: 'large' }, {}, small);
      expect([response.status, response.headers.get('x-cache')]).toEqual([200, outcome]);
    }
    expect(small.events).toContain('kept too_large');
  } finally {
    await small.stop();
  }
});

it('books what was paid as spent, and what was there as avoided', async () => {
  await post({ prompt: 'money' });
  await post({ prompt: 'money' });
  const usage = expect.objectContaining({ inputTokens: 9, outputTokens: 4160 }) as unknown;
  expect(gateway.ledger.calls.map(({ outcome }) => outcome)).toEqual([
    expect.objectContaining({ status: 'completed', usage }),
  ]);
  expect(gateway.ledger.calls[0]?.facts).toMatchObject({ route: '/v1/images/generations', model: 'gpt-image-1' });
  expect(gateway.ledger.hits).toEqual([expect.objectContaining({ kind: 'hit', usage })]);
});

it.each([
  [{ n: 2 }, 2, 'standard 1024x1024'],
  [{ size: '1024x1792', quality: 'hd' }, 1, 'hd 1024x1792'],
  [{ quality: 'auto', size: null }, 1, 'auto 1024x1024'],
])('counts images where the provider counts no tokens: %j', async (more, images, serviceTier) => {
  await post({ model: 'dall-e-3', prompt: 'by the piece', ...more });
  await post({ model: 'dall-e-3', prompt: 'by the piece', ...more });
  const usage = expect.objectContaining({ inputTokens: null, outputTokens: null, images }) as unknown;
  expect(gateway.ledger.calls.map(({ outcome }) => outcome)).toMatchObject([{ usage, serviceTier }]);
  expect(gateway.ledger.hits).toMatchObject([{ kind: 'hit', usage, serviceTier }]);
});

it.each([
  [{}, 'missing_required_parameter', 'prompt'],
  [{ prompt: 7 }, 'invalid_type', 'prompt'],
  [{ prompt: 'x', n: 'two' }, 'invalid_type', 'n'],
  [{ prompt: 'x', model: 7 }, 'invalid_type', 'model'],
  [{ prompt: 'x', stream: 'yes' }, 'invalid_type', 'stream'],
])('refuses %j as OpenAI does', async (body, code, param) => {
  const response = await post(body);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    error: { message: expect.stringContaining(`'${param}'`), type: 'invalid_request_error', param, code },
  });
  expect(provider.calls).toEqual([]);
});
