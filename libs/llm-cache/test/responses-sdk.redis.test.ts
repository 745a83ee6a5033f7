/**
 * Responses with the official SDK: what it makes of our answers equals what it makes of the provider's own, in both forms,
 * on a miss, on a hit, coalesced and replayed. Two calls of the provider differ in the ids and times that it draws.
 */
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import type { ResponseCreateParamsNonStreaming, ResponseStreamEvent } from 'openai/resources/responses/responses';
import type { GatewayProcess } from './gateway-process.js';
import { LIMITED, SdkPair } from './sdk-pair.js';

const USAGE = {
  input_tokens: 11,
  output_tokens: 22,
  total_tokens: 33,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens_details: { reasoning_tokens: 5 },
};
const FIXTURES: Record<string, Parameters<LLMock['onMessage']>[1]> = {
  text: { content: 'Hi there! How can I help you today? 😀 ñ', usage: USAGE },
  reasoning: { content: '42', reasoning: 'let me think about it for a while', usage: USAGE },
  tools: {
    toolCalls: [
      { id: 'call_1', name: 'get_weather', arguments: '{"city":"SF","unit":"c"}' },
      { id: 'call_2', name: 'time', arguments: '{}' },
    ],
  },
  'tools with reasoning': { toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"a":[1]}' }], reasoning: 'which?' },
  both: { content: 'I will look.', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"a":1}' }] },
  empty: { content: '' },
  blocks: {
    content: 'First this. Then that.',
    toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"a":1}' }],
    blocks: [
      { type: 'text', text: 'First this.' },
      { type: 'toolCall', name: 'f', arguments: '{"a":1}', id: 'call_1' },
      { type: 'text', text: ' Then that.' },
    ],
  },
};
const NOT_KEPT: Record<string, Parameters<LLMock['onMessage']>[1]> = {
  truncated: { content: 'half of it', finishReason: 'length' },
  filtered: { content: 'not that', finishReason: 'content_filter' },
  searched: { content: 'The web says so.', webSearches: ['who says so'] },
};
const KINDS = Object.keys(FIXTURES);

const mock = new LLMock({ port: 0, chunkSize: 5 });
let pair: SdkPair;
let gateway: GatewayProcess;
let direct: OpenAI;

beforeAll(async () => {
  for (const [name, fixture] of Object.entries({ ...FIXTURES, ...NOT_KEPT })) {
    mock.onMessage(new RegExp(`^${name}:`), fixture);
    mock.onMessage(new RegExp(`^slow ${name}:`), fixture, { latency: 15 });
  }
  mock.onMessage(/^torn:/, { content: 'A text that breaks off in the middle of it.' }, { truncateAfterChunks: 6 });
  mock.onMessage(/^limited:/, LIMITED);
  await mock.start();
  pair = await SdkPair.at(`${mock.url}/v1`);
  ({ gateway, direct } = pair);
});
afterAll(async () => {
  await pair.stop();
  await mock.stop();
});
beforeEach(() => mock.clearRequests());

function request(input: string): ResponseCreateParamsNonStreaming {
  return { model: 'gpt-5', input };
}

type Ask = (client: OpenAI, input: string) => Promise<unknown>;

const json: Ask = (client, input) => client.responses.create(request(input));
const stream: Ask = async (client, input) => {
  const events: ResponseStreamEvent[] = [];
  for await (const event of await client.responses.create({ ...request(input), stream: true })) events.push(event);
  return events;
};
const helper: Ask = (client, input) => client.responses.stream({ model: 'gpt-5', input }).finalResponse();

/** Without what the provider draws anew for each call. */
function comparable(answer: unknown): unknown {
  const text = JSON.stringify(answer)
    .replaceAll(/"(resp|msg|fc|rs|ws)[-_][^"]*"/g, '"$1"')
    .replaceAll(/"created_at":\d+/g, '"created_at":0');
  return JSON.parse(text);
}

describe.each(KINDS)('trap 14: the official SDK asks for a response with %s', (kind) => {
  it.each([
    ['as JSON', json],
    ['as a stream', stream],
    ['by its own stream helper', helper],
  ])('%s, and gets what the provider answers: miss, then hits', async (how, ask) => {
    const input = `${kind}: ${how}`;
    const own = comparable(await ask(direct, input));
    const first = await ask(gateway.openai, input);
    expect(comparable(first)).toEqual(own);
    expect(await ask(gateway.openai, input)).toEqual(first);
    expect(mock.getRequests()).toHaveLength(2);
  });

  it.each([
    ['JSON after a stream', stream, json],
    ['a stream after JSON', json, stream],
  ])('%s is a hit on the same answer', async (how, before, ask) => {
    const input = `${kind}: ${how}`;
    const own = comparable(await ask(direct, input));
    await before(gateway.openai, input);
    const hit = await ask(gateway.openai, input);
    expect(comparable(hit)).toEqual(own);
    expect(mock.getRequests()).toHaveLength(2);
    const whole = (await json(gateway.openai, input)) as { id: string };
    expect(JSON.stringify(hit)).toContain(whole.id);
  });

  it('in both forms at once, and all of them share one call and one id', async () => {
    const input = `slow ${kind}: coalesced`;
    const [owns, ownJson] = [comparable(await stream(direct, input)), comparable(await json(direct, input))];
    const [one, two, three, four] = await Promise.all([
      stream(gateway.openai, input),
      json(gateway.openai, input),
      stream(gateway.openai, input),
      json(gateway.openai, input),
    ]);
    expect(mock.getRequests()).toHaveLength(3);
    expect(comparable(one)).toEqual(owns);
    expect(three).toEqual(one);
    expect(comparable(two)).toEqual(ownJson);
    expect(four).toEqual(two);
    expect(JSON.stringify(one)).toContain((two as { id: string }).id);
  });

  it('and gets the same events when the answer is replayed at a pace', async () => {
    const input = `${kind}: paced`;
    const first = await stream(gateway.openai, input);
    expect(await stream(pair.paced('speed=100'), input)).toEqual(first);
    expect(mock.getRequests()).toHaveLength(1);
  });
});

describe('trap 15: what is no whole answer of the model is passed on and not kept', () => {
  it.each(Object.keys(NOT_KEPT))('%s', async (kind) => {
    for (const [how, ask] of Object.entries({ json, stream })) {
      const input = `${kind}: ${how}`;
      const own = comparable(await ask(direct, input));
      mock.clearRequests();
      expect(comparable(await ask(gateway.openai, input))).toEqual(own);
      expect(comparable(await ask(gateway.openai, input))).toEqual(own);
      expect(mock.getRequests()).toHaveLength(2);
    }
  });

  it('a stream that is torn off makes the SDK throw, as the provider’s own does', async () => {
    await expect(stream(direct, 'torn: x')).rejects.toBeInstanceOf(Error);
    mock.clearRequests();
    for (let n = 0; n < 2; n += 1) await expect(stream(gateway.openai, 'torn: x')).rejects.toThrow(OpenAI.APIError);
    expect(mock.getRequests()).toHaveLength(2);
  });

  it('a refusal, with what it says of waiting', async () => {
    for (const ask of [json, stream]) {
      const own = (await ask(direct, 'limited: x').catch((error: unknown) => error)) as InstanceType<
        typeof OpenAI.APIError
      >;
      const ours = (await ask(gateway.openai, 'limited: x').catch((error: unknown) => error)) as typeof own;
      expect(ours).toMatchObject({ status: 429, code: own.code, type: own.type, message: own.message });
      expect(ours.headers?.get('retry-after')).toBe('7');
      expect(ours.error).toEqual(own.error);
    }
  });
});

it('trap 14: with encrypted reasoning, which is part of the question and of the answer', async () => {
  const encrypted: Ask = (client, input) =>
    client.responses.create({ ...request(input), include: ['reasoning.encrypted_content'], store: false });
  const plain = comparable(await json(gateway.openai, 'reasoning: encrypted'));
  const own = comparable(await encrypted(direct, 'reasoning: encrypted'));
  const first = await encrypted(gateway.openai, 'reasoning: encrypted');
  const bare = (answer: unknown): unknown =>
    JSON.parse(JSON.stringify(answer).replaceAll(/"encrypted_content":"[^"]*"/g, '"encrypted_content":"x"'));
  expect(bare(comparable(first))).toEqual(bare(own));
  expect(bare(comparable(first))).not.toEqual(plain);
  expect(await encrypted(gateway.openai, 'reasoning: encrypted')).toEqual(first);
  expect(mock.getRequests()).toHaveLength(3);
});

it('trap 20: books what the provider counted, cached input and reasoning included', async () => {
  const { ledger } = gateway;
  const before = { calls: ledger.calls.length, hits: ledger.hits.length };
  await json(gateway.openai, 'text: ledger');
  await stream(gateway.openai, 'text: ledger');
  const usage = expect.objectContaining({ inputTokens: 11, outputTokens: 22 });
  expect(ledger.calls.slice(before.calls)).toEqual([
    expect.objectContaining({
      facts: expect.objectContaining({ route: '/v1/responses', model: 'gpt-5' }),
      outcome: expect.objectContaining({ status: 'completed', usage, responseId: expect.stringMatching(/^resp/) }),
    }),
  ]);
  expect(ledger.hits.slice(before.hits)).toEqual([expect.objectContaining({ kind: 'hit', usage })]);
});
