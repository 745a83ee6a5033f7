/**
 * With the official SDK: what it makes of our answers equals what it makes of the provider's own, in both forms, on a miss,
 * on a hit in either form, shared with a simultaneous request and replayed at its pace.
 */
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import type {
  Message,
  MessageCreateParamsNonStreaming,
  RawMessageStreamEvent,
} from '@anthropic-ai/sdk/resources/messages';
import { LLMock } from '@copilotkit/aimock';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess } from '../gateway-process.js';

const USAGE = { input_tokens: 31, output_tokens: 17 };
const FIXED = { id: 'msg_fixed', usage: USAGE };
const mock = new LLMock({ port: 0, chunkSize: 5 });
let redis: TestRedis;
let gateway: GatewayProcess;
let direct: Anthropic;
let ours: Anthropic;

beforeAll(async () => {
  mock.onMessage(/^text/, { content: 'Hi there! How can I help you today? 😀 ñ', ...FIXED });
  mock.onMessage(/^thinking/, {
    content: '42',
    reasoning: 'let me think about it for a while',
    reasoningSignature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h',
    redactedThinking: ['EmwKAhgBEgy3va3pzix/LafPsn4a'],
    ...FIXED,
  });
  mock.onMessage(/^tools/, {
    toolCalls: [
      { id: 'toolu_1', name: 'get_weather', arguments: '{"city":"San Francisco","unit":"c","days":[1,2.5,null]}' },
      { id: 'toolu_2', name: 'time', arguments: '{}' },
    ],
    ...FIXED,
  });
  mock.onMessage(/^both/, {
    content: 'I will look.',
    toolCalls: [{ id: 'toolu_1', name: 'f', arguments: '{"a":1}' }],
    ...FIXED,
  });
  mock.onMessage(/^blocks/, {
    blocks: [
      { type: 'toolCall', id: 'toolu_1', name: 'f', arguments: '{"a":1}' },
      { type: 'text', text: 'Between them.' },
      { type: 'toolCall', id: 'toolu_2', name: 'g', arguments: '{"b":"ü"}' },
    ],
    ...FIXED,
  });
  mock.onMessage(/^cut/, { content: 'This is not the', finishReason: 'length', ...FIXED });
  mock.onMessage(/^refused/, { content: 'I cannot', finishReason: 'refusal', ...FIXED });
  mock.onMessage(/^slow/, { content: 'One word after the other.', ...FIXED }, { latency: 40 });
  mock.onMessage(/^limited/, {
    error: { type: 'rate_limit_error', message: 'Slow down.' },
    status: 429,
    retryAfter: 7,
  });
  mock.onMessage(/^overloaded/, { error: { type: 'overloaded_error', message: 'Overloaded' }, status: 529 });
  mock.onMessage(/^unfit/, { error: { type: 'invalid_request_error', message: 'max_tokens: too many' }, status: 400 });
  mock.onMessage(/^broken/, { error: { type: 'api_error', message: 'Internal server error' }, status: 500 });
  mock.onMessage(
    /^dying/,
    { content: 'This will never be said to its end', ...FIXED },
    { truncateAfterChunks: 4, latency: 20 },
  );
  await mock.start();
  redis = await startRedis();
  const options = { redisUrl: redis.url, providerUrl: mock.url, provider: 'anthropic' };
  gateway = await (await GatewayProcess.start(options)).redisUp();
  direct = new Anthropic({ baseURL: mock.url, apiKey: 'k', maxRetries: 0 });
  ours = new Anthropic({ baseURL: gateway.url, apiKey: 'k1', maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  await mock.stop();
});
beforeEach(() => mock.clearRequests());

function request(content: string, more: object = {}): MessageCreateParamsNonStreaming {
  return { model: 'claude-sonnet-5-5', max_tokens: 100, messages: [{ role: 'user', content }], ...more };
}

async function eventsOf(client: Anthropic, content: string, headers = {}): Promise<RawMessageStreamEvent[]> {
  const stream = await client.messages.create({ ...request(content), stream: true }, { headers });
  const events: RawMessageStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** The member of the SDK's own objects that tells the request's id is not enumerable. */
const plain = (message: Message): unknown => JSON.parse(JSON.stringify(message));

const KEPT = ['text', 'thinking', 'tools', 'both', 'blocks', 'slow'];
const NOT_KEPT = ['cut', 'refused'];

describe.each(KEPT)('trap 14: the official SDK with %s', (kind) => {
  it('gets as JSON what the provider answers: miss, hit, and hit after a stream', async () => {
    const own = await direct.messages.create(request(`${kind} json`));
    expect(await ours.messages.create(request(`${kind} json`))).toEqual(own);
    expect(await ours.messages.create(request(`${kind} json`))).toEqual(own);
    expect(mock.getRequests()).toHaveLength(2);

    await eventsOf(ours, `${kind} stream first`);
    const { data, response } = await ours.messages.create(request(`${kind} stream first`)).withResponse();
    expect(data).toEqual(own);
    expect(response.headers.get('x-cache')).toBe('HIT');
    expect(mock.getRequests()).toHaveLength(3);
  });

  it('gets as a stream what the provider streams: miss, hit, hit after JSON, and at its pace', async () => {
    const own = await eventsOf(direct, `${kind} stream`);
    expect(await eventsOf(ours, `${kind} stream`)).toEqual(own);
    expect(await eventsOf(ours, `${kind} stream`)).toEqual(own);
    expect(await eventsOf(ours, `${kind} stream`, { 'x-cache-replay': 'speed=10' })).toEqual(own);
    expect(mock.getRequests()).toHaveLength(2);

    await ours.messages.create(request(`${kind} json first`));
    expect(await eventsOf(ours, `${kind} json first`)).toEqual(own);
    expect(mock.getRequests()).toHaveLength(3);
  });

  it('gets the same in its own stream helper', async () => {
    const own = await direct.messages.stream(request(`${kind} helper`)).finalMessage();
    const miss = await ours.messages.stream(request(`${kind} helper`)).finalMessage();
    const hit = await ours.messages.stream(request(`${kind} helper`)).finalMessage();
    expect([plain(miss), plain(hit)]).toEqual([plain(own), plain(own)]);
    expect(mock.getRequests()).toHaveLength(2);
  });

  it('trap 18: gets the same when others ask at the same time, in whatever form', async () => {
    const own = await direct.messages.create(request(`${kind} json`));
    const ownEvents = await eventsOf(direct, `${kind} json`);
    const [one, events, other, more] = await Promise.all([
      ours.messages.create(request(`${kind} together`)),
      eventsOf(ours, `${kind} together`),
      ours.messages.create(request(`${kind} together`)),
      eventsOf(ours, `${kind} together`),
    ]);
    expect([one, other]).toEqual([own, own]);
    expect([events, more]).toEqual([ownEvents, ownEvents]);
    expect(mock.getRequests()).toHaveLength(3);
  });
});

it.each(NOT_KEPT)('trap 15: an answer that was %s is passed on as it is, and asked for again', async (kind) => {
  const own = await direct.messages.create(request(`${kind} json`));
  const ownEvents = await eventsOf(direct, `${kind} stream`);
  for (let time = 0; time < 2; time += 1) {
    expect(await ours.messages.create(request(`${kind} json`))).toEqual(own);
    expect(await eventsOf(ours, `${kind} stream`)).toEqual(ownEvents);
  }
  expect(mock.getRequests()).toHaveLength(6);
});

async function failureOf(answer: Promise<unknown>): Promise<APIError> {
  return answer.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      if (error instanceof APIError) return error;
      throw error;
    },
  );
}

it.each([
  ['limited', 429],
  ['overloaded', 529],
  ['unfit', 400],
  ['broken', 500],
])(
  'trap 15: the provider’s refusal (%s) is passed on as it came, in both forms, and never kept',
  async (kind, status) => {
    const own = await failureOf(direct.messages.create(request(kind)));
    for (let time = 0; time < 2; time += 1) {
      for (const ask of [() => ours.messages.create(request(kind)), () => eventsOf(ours, kind)]) {
        const failure = await failureOf(ask());
        expect([failure.constructor, failure.status, failure.error]).toEqual([own.constructor, status, own.error]);
        expect(failure.headers?.get('retry-after')).toBe(own.headers?.get('retry-after'));
      }
    }
    expect(mock.getRequests()).toHaveLength(5);
  },
);

it('trap 21: a stream that breaks off is an error to its reader, and not kept', async () => {
  for (let time = 0; time < 2; time += 1) {
    const failure = await failureOf(eventsOf(ours, 'dying stream'));
    expect(failure.error).toMatchObject({ type: 'error', error: { type: 'api_error', code: 'upstream_died' } });
    const asJson = await failureOf(ours.messages.create(request('dying json')));
    expect([asJson.status, asJson.error]).toMatchObject([502, { error: { code: 'upstream_died' } }]);
  }
  expect(mock.getRequests()).toHaveLength(4);
});

it('trap 13: what may change the answer makes another request of it, what does not makes none', async () => {
  const ask = async (more: object, headers = {}): Promise<string | null> => {
    const { response } = await ours.messages.create(request('text identity', more), { headers }).withResponse();
    return response.headers.get('x-cache');
  };
  expect(await ask({})).toBe('MISS');
  const others: [object, Record<string, string>?][] = [
    [{ max_tokens: 101 }],
    [{ system: 'Be brief.' }],
    [{ temperature: 0.5 }],
    [{ stop_sequences: ['x'] }],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }],
    [{ tools: [{ name: 't', input_schema: { type: 'object' } }] }],
    [{ tool_choice: { type: 'any' } }],
    [{ metadata: { user_id: 'u' } }],
    [{ unheard_of: true }],
    [{}, { 'anthropic-beta': 'output-128k-2025-02-19' }],
    [{}, { 'anthropic-version': '2023-01-01' }],
  ];
  for (const [more, headers] of others) {
    expect([more, headers, await ask(more, headers)]).toEqual([more, headers, 'MISS']);
    expect([more, headers, await ask(more, headers)]).toEqual([more, headers, 'HIT']);
  }
  const reordered = Object.fromEntries(Object.entries(request('text identity')).toReversed());
  expect((await ours.messages.create(reordered as never).withResponse()).response.headers.get('x-cache')).toBe('HIT');
});

it('gives beta clients what the provider gives them', async () => {
  const ask = (client: Anthropic) =>
    client.beta.messages.create({ ...request('text beta'), betas: ['compact-2026-01-12'] });
  const own = await ask(direct);
  expect([await ask(ours), await ask(ours)]).toEqual([own, own]);
  expect(mock.getRequests()).toHaveLength(2);
});

it('keeps apart what older beta clients ask for by a query, and asks for it as they do', async () => {
  const body = JSON.stringify(request('text query'));
  const ask = async (query: string): Promise<string | null> => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${gateway.url}/v1/messages${query}`, { method: 'POST', headers, body })).headers.get(
      'x-cache',
    );
  };
  expect([await ask(''), await ask('?beta=true'), await ask('?beta=true'), await ask('?other=1')]).toEqual([
    'MISS',
    'MISS',
    'HIT',
    'HIT',
  ]);
  expect(mock.getRequests().map(({ path }) => path)).toEqual(['/v1/messages', '/v1/messages?beta=true']);
});

it('books calls as spent and hits as avoided', async () => {
  const { ledger } = gateway;
  const before = { calls: ledger.calls.length, hits: ledger.hits.length };
  await ours.messages.create(request('text ledger'));
  await ours.messages.create(request('text ledger'));
  await eventsOf(ours, 'text ledger');
  const usage = expect.objectContaining({ inputTokens: 31, outputTokens: 17 });
  expect(ledger.calls.slice(before.calls)).toEqual([
    expect.objectContaining({
      facts: expect.objectContaining({ route: '/v1/messages', provider: 'anthropic', model: 'claude-sonnet-5-5' }),
      outcome: expect.objectContaining({ status: 'completed', httpStatus: 200, responseId: 'msg_fixed', usage }),
    }),
  ]);
  expect(ledger.hits.slice(before.hits)).toEqual([
    expect.objectContaining({ kind: 'hit', usage, responseId: 'msg_fixed' }),
    expect.objectContaining({ kind: 'hit', usage }),
  ]);
});

it('tells the caller’s own mistakes in Anthropic’s shape', async () => {
  const failure = await failureOf(ours.messages.create(request('x', { messages: [] })));
  expect([failure.status, failure.error]).toEqual([
    400,
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'messages: at least one message is required',
        code: 'empty_array',
      },
    },
  ]);
});
