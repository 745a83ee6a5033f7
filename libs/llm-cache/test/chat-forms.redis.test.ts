/**
 * Completions with everything that a choice can hold, with the official SDK: what its own helper makes of the provider's
 * stream is what we answer as JSON, and what it makes of the stream that we make of JSON is that JSON.
 */
import OpenAI from 'openai';
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { GatewayProcess } from './gateway-process.js';
import { RawProvider } from './raw-provider.js';
import { SdkPair } from './sdk-pair.js';

const HEAD = { id: 'c1', created: 7, model: 'gpt-4o-2024', system_fingerprint: 'fp', service_tier: 'default' };
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const probed = (token: string) => ({ token, logprob: -0.25, bytes: [...Buffer.from(token)], top_logprobs: [] });
const says = (delta: object, more: object = {}) => ({ index: 0, delta, logprobs: null, finish_reason: null, ...more });
const ends = (reason: string, index = 0) => ({ index, delta: {}, logprobs: null, finish_reason: reason });

/** The choices of each chunk. */
const STREAMS: Record<string, object[][]> = {
  'several choices': [
    [says({ role: 'assistant', content: '', refusal: null })],
    [says({ role: 'assistant', content: '', refusal: null }, { index: 1 })],
    [says({ content: 'One' }), says({ content: 'Eins' }, { index: 1 })],
    [says({ content: ' 😀' })],
    [ends('stop', 1)],
    [ends('stop')],
  ],
  'log probabilities': [
    [says({ role: 'assistant', content: '', refusal: null }, { logprobs: { content: [], refusal: null } })],
    [says({ content: 'Hé' }, { logprobs: { content: [probed('Hé')], refusal: null } })],
    [says({ content: 'llo' }, { logprobs: { content: [probed('l'), probed('lo')], refusal: null } })],
    [ends('stop')],
  ],
  'a refusal': [
    [says({ role: 'assistant', content: null, refusal: '' })],
    [says({ refusal: "I can't " }, { logprobs: { content: null, refusal: [probed("I can't ")] } })],
    [says({ refusal: 'do that.' }, { logprobs: { content: null, refusal: [probed('do that.')] } })],
    [ends('stop')],
  ],
  'parallel tool calls': [
    [says({ role: 'assistant', content: null, refusal: null })],
    [says({ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: '' } }] })],
    [says({ tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] })],
    [says({ tool_calls: [{ index: 1, id: 't2', type: 'function', function: { name: 'g', arguments: '' } }] })],
    [
      says({
        tool_calls: [
          { index: 0, function: { arguments: ':1}' } },
          { index: 1, function: { arguments: '{}' } },
        ],
      }),
    ],
    [ends('tool_calls')],
  ],
};
const KINDS = Object.keys(STREAMS);

let pair: SdkPair;
let provider: RawProvider;
let gateway: GatewayProcess;
let direct: OpenAI;

beforeAll(async () => {
  provider = await RawProvider.start(() => undefined);
  pair = await SdkPair.at(provider.baseUrl);
  ({ gateway, direct } = pair);
});
afterAll(async () => {
  await pair.stop();
  await provider.stop();
});

const request = (content: string): ChatCompletionCreateParamsNonStreaming => ({
  model: 'gpt-4o',
  messages: [{ role: 'user', content }],
  logprobs: true,
});
const collected = (client: OpenAI, content: string): Promise<ChatCompletion> =>
  client.chat.completions
    .stream({ ...request(content), stream: true, stream_options: { include_usage: true } })
    .finalChatCompletion();

/** Without what the helper adds. */
function plain(completion: ChatCompletion): unknown {
  return JSON.parse(JSON.stringify(completion, (name, value: unknown) => (name === 'parsed' ? undefined : value)));
}

it.each(KINDS)('trap 14: the official SDK gets as JSON what it makes of the stream: %s', async (kind) => {
  const chunks = (STREAMS[kind] ?? []).map((choices) => ({
    ...HEAD,
    object: 'chat.completion.chunk',
    choices,
    usage: null,
  }));
  const frames = [...chunks, { ...HEAD, object: 'chat.completion.chunk', choices: [], usage: USAGE }].map(
    (chunk) => `data: ${JSON.stringify(chunk)}\n\n`,
  );
  provider.answers((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`${frames.join('')}data: [DONE]\n\n`);
  });
  const own = plain(await collected(direct, kind));
  expect(plain(await gateway.openai.chat.completions.create(request(kind)))).toEqual(own);
  expect(plain(await gateway.openai.chat.completions.create(request(kind)))).toEqual(own);
  expect(plain(await collected(gateway.openai, kind))).toEqual(own);

  // And the other way round, from a provider who does not stream.
  const json = await gateway.openai.chat.completions.create(request(kind));
  provider.answers(({ body }, response) => {
    const streams = (JSON.parse(body) as { stream?: boolean }).stream === true;
    response.writeHead(streams ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(streams ? { error: { message: 'stream is not supported' } } : json));
  });
  const twice = `${kind} again`;
  expect(await gateway.openai.chat.completions.create(request(twice))).toEqual(json);
  expect(plain(await collected(gateway.openai, twice))).toEqual(own);
});
