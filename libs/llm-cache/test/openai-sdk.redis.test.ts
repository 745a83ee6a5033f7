/**
 * With the official SDK: what it makes of our answers equals what it makes of the provider's own, in both forms, on a
 * miss and on a hit, whichever form came first.
 */
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import type { ChatCompletionChunk, ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { GatewayProcess } from './gateway-process.js';
import { LIMITED, SdkPair } from './sdk-pair.js';

const FIXED = { id: 'chatcmpl-fixed', created: 7, systemFingerprint: 'fp_1' };
const mock = new LLMock({ port: 0, chunkSize: 5 });
let pair: SdkPair;
let gateway: GatewayProcess;
let direct: OpenAI;

beforeAll(async () => {
  mock.onMessage(/^text/, { content: 'Hi there! How can I help you today? 😀 ñ', ...FIXED });
  mock.onMessage(/^reasoning/, { content: '42', reasoning: 'let me think about it for a while', ...FIXED });
  mock.onMessage(/^tools/, {
    toolCalls: [
      { id: 'call_1', name: 'get_weather', arguments: '{"city":"SF","unit":"c"}' },
      { id: 'call_2', name: 'time', arguments: '{}' },
    ],
    ...FIXED,
  });
  mock.onMessage(/^both/, {
    content: 'I will look.',
    toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"a":1}' }],
    ...FIXED,
  });
  mock.onMessage(/^slow/, { content: 'A text that takes its time until it is there.', ...FIXED }, { latency: 15 });
  mock.onMessage(
    /^torn/,
    { content: 'A text that breaks off in the middle of it.', ...FIXED },
    { truncateAfterChunks: 4 },
  );
  mock.onMessage(/^limited/, LIMITED);
  await mock.start();
  pair = await SdkPair.at(`${mock.url}/v1`);
  ({ gateway, direct } = pair);
});
afterAll(async () => {
  await pair.stop();
  await mock.stop();
});
beforeEach(() => mock.clearRequests());

function request(content: string): ChatCompletionCreateParamsNonStreaming {
  return { model: 'gpt-4o', messages: [{ role: 'user', content }] };
}

async function chunksOf(client: OpenAI, content: string, includeUsage: boolean): Promise<ChatCompletionChunk[]> {
  const stream = await client.chat.completions.create({
    ...request(content),
    stream: true,
    ...(includeUsage ? { stream_options: { include_usage: true } } : {}),
  });
  const chunks: ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const KINDS = ['text', 'reasoning', 'tools', 'both'];

describe.each(KINDS)('trap 14: the official SDK with %s', (kind) => {
  it('gets as JSON what the provider answers: miss, hit, and hit after a stream', async () => {
    const own = await direct.chat.completions.create(request(`${kind} json`));
    expect(await gateway.openai.chat.completions.create(request(`${kind} json`))).toEqual(own);
    expect(await gateway.openai.chat.completions.create(request(`${kind} json`))).toEqual(own);
    expect(mock.getRequests()).toHaveLength(2);

    await chunksOf(gateway.openai, `${kind} stream first`, false);
    expect(await gateway.openai.chat.completions.create(request(`${kind} stream first`))).toEqual({
      ...own,
      usage: (await direct.chat.completions.create(request(`${kind} stream first`))).usage,
    });
    expect(mock.getRequests()).toHaveLength(4);
  });

  it.each([true, false])(
    'gets as a stream what the provider streams, with usage asked for: %s',
    async (includeUsage) => {
      const content = `${kind} stream ${includeUsage}`;
      const own = await chunksOf(direct, content, includeUsage);
      expect(await chunksOf(gateway.openai, content, includeUsage)).toEqual(own);
      expect(await chunksOf(gateway.openai, content, includeUsage)).toEqual(own);
      expect(mock.getRequests()).toHaveLength(2);

      const afterJson = `${kind} after json ${includeUsage}`;
      await gateway.openai.chat.completions.create(request(afterJson));
      expect(await chunksOf(gateway.openai, afterJson, includeUsage)).toEqual(
        await chunksOf(direct, afterJson, includeUsage),
      );
      expect(mock.getRequests()).toHaveLength(4);
    },
  );
});

it('trap 18: asks in both forms at once, and all of them share one call', async () => {
  const own = await direct.chat.completions.create(request('slow at once'));
  const ownChunks = await chunksOf(direct, 'slow at once', false);
  const ownWithUsage = await chunksOf(direct, 'slow at once', true);
  mock.clearRequests();
  const [json, chunks, withUsage, jsonToo] = await Promise.all([
    gateway.openai.chat.completions.create(request('slow at once')),
    chunksOf(gateway.openai, 'slow at once', false),
    chunksOf(gateway.openai, 'slow at once', true),
    gateway.openai.chat.completions.create(request('slow at once')),
  ]);
  expect([json, jsonToo]).toEqual([own, own]);
  expect(chunks).toEqual(ownChunks);
  expect(withUsage).toEqual(ownWithUsage);
  expect(mock.getRequests()).toHaveLength(1);
});

it('trap 14: gets the same chunks when the answer is replayed at a pace', async () => {
  const first = await chunksOf(gateway.openai, 'text paced', true);
  expect(await chunksOf(pair.paced('speed=100'), 'text paced', true)).toEqual(first);
  expect(mock.getRequests()).toHaveLength(1);
});

it('trap 15: throws on a stream that is torn off, as it does at the provider, and finds nothing kept of it', async () => {
  await expect(chunksOf(direct, 'torn', false)).rejects.toBeInstanceOf(Error);
  mock.clearRequests();
  for (let n = 0; n < 2; n += 1) {
    await expect(chunksOf(gateway.openai, 'torn', false)).rejects.toBeInstanceOf(OpenAI.APIError);
  }
  expect(mock.getRequests()).toHaveLength(2);
});

it('trap 15: meets a refusal as it does at the provider, with what it says of waiting', async () => {
  const refusal = async (asking: Promise<unknown>) =>
    (await asking.catch((error: unknown) => error)) as InstanceType<typeof OpenAI.APIError>;
  const own = await refusal(direct.chat.completions.create(request('limited')));
  for (const ours of [
    await refusal(gateway.openai.chat.completions.create(request('limited'))),
    await refusal(chunksOf(gateway.openai, 'limited', false)),
  ]) {
    expect(ours).toMatchObject({ status: 429, code: own.code, type: own.type, message: own.message, error: own.error });
    expect(ours.headers?.get('retry-after')).toBe('7');
  }
});

it('gives a stream that was recorded without the wish for usage to one who wishes it, and the reverse', async () => {
  await chunksOf(gateway.openai, 'text usage later', false);
  const withUsage = await chunksOf(gateway.openai, 'text usage later', true);
  expect(withUsage.at(-1)?.usage?.total_tokens).toBeGreaterThan(0);
  expect((await chunksOf(gateway.openai, 'text usage later', false)).some((chunk) => chunk.usage)).toBe(false);
  expect(mock.getRequests()).toHaveLength(1);
});

it('is the same to the SDK’s own stream helper', async () => {
  const run = async (client: OpenAI) => {
    const runner = client.chat.completions.stream({ ...request('tools helper'), stream: true });
    return runner.finalChatCompletion();
  };
  const own = await run(direct);
  expect(await run(gateway.openai)).toEqual(own);
  expect(await run(gateway.openai)).toEqual(own);
});

it('lists models once a minute', async () => {
  const own = (await direct.models.list()).data;
  const first = await gateway.openai.models.list().withResponse();
  const second = await gateway.openai.models.list().withResponse();
  expect(first.data.data).toEqual(own);
  expect(second.data.data).toEqual(own);
  expect(first.response.headers.get('x-cache')).toBe('MISS');
  expect(second.response.headers.get('x-cache')).toBe('HIT');
  expect(second.response.headers.get('cache-status')).toMatch(/^promptsales; hit; ttl=(60|[1-5]?\d)$/);
});

it('books calls as spent and hits as avoided', async () => {
  const { ledger } = gateway;
  const before = { calls: ledger.calls.length, hits: ledger.hits.length };
  await gateway.openai.chat.completions.create(request('text ledger'));
  await gateway.openai.chat.completions.create(request('text ledger'));
  await chunksOf(gateway.openai, 'text ledger', false);
  expect(ledger.calls.slice(before.calls)).toEqual([
    expect.objectContaining({
      facts: expect.objectContaining({
        route: '/v1/chat/completions',
        model: 'gpt-4o',
        tenant: 'acme',
        cause: 'request',
        simulated: true,
      }),
      outcome: expect.objectContaining({
        status: 'completed',
        httpStatus: 200,
        model: 'gpt-4o',
        responseId: 'chatcmpl-fixed',
      }),
    }),
  ]);
  const usage = ledger.calls.at(-1)?.outcome?.usage;
  expect(usage?.inputTokens).toBeGreaterThan(0);
  expect(ledger.hits.slice(before.hits)).toEqual([
    expect.objectContaining({ kind: 'hit', usage, answeredModel: 'gpt-4o', responseId: 'chatcmpl-fixed' }),
    expect.objectContaining({ kind: 'hit', usage }),
  ]);
});
