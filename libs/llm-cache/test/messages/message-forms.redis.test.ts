/**
 * Messages with everything that one can hold, with the official SDK: what its own helper makes of the provider's stream is
 * what we answer as JSON, and what it makes of the stream that we make of JSON is that JSON.
 */
import Anthropic from '@anthropic-ai/sdk';
import type { Message, MessageCreateParamsNonStreaming } from '@anthropic-ai/sdk/resources/messages';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess } from '../gateway-process.js';
import { RawProvider } from '../raw-provider.js';
import { block, end, start, STOP, streamOf, text, type Event } from './message-events.js';

const words = (piece: string) => ({ type: 'text_delta', text: piece });
const input = (piece: string) => ({ type: 'input_json_delta', partial_json: piece });
const cited = (quote: string) => ({
  type: 'citations_delta',
  citation: { type: 'char_location', cited_text: quote, document_index: 0, document_title: null },
});

const STREAMS: Record<string, readonly Event[]> = {
  thinking: [
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: 'Let me ' },
      { type: 'thinking_delta', thinking: 'see.' },
      { type: 'signature_delta', signature: 'EqQBCgIYAhIM' },
    ),
    ...block(1, { type: 'redacted_thinking', data: 'EmwKAhgB' }),
    ...text(2, 'It is 😀', ' four.'),
    end('end_turn', { output_tokens: 89 }),
  ],
  citations: [
    ...text(0, 'As is said: '),
    ...block(1, { type: 'text', text: '', citations: [] }, cited('grass'), words('green'), cited('trees')),
    end('stop_sequence', { output_tokens: 89 }, { delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' } }),
  ],
  'parallel tools': [
    ...text(0, 'I look.'),
    ...block(1, { type: 'tool_use', id: 't1', name: 'f', input: {} }, input(''), input('{"a": [1,'), input(' "ñ"]}')),
    ...block(2, { type: 'tool_use', id: 't2', name: 'g', input: {} }, input('')),
    end('tool_use', { output_tokens: 89 }),
  ],
};
const KINDS = Object.keys(STREAMS);

let redis: TestRedis;
let provider: RawProvider;
let gateway: GatewayProcess;
let direct: Anthropic;
let ours: Anthropic;

beforeAll(async () => {
  provider = await RawProvider.start(() => undefined);
  redis = await startRedis();
  const providerUrl = provider.baseUrl.replace(/\/v1$/, '');
  gateway = await (await GatewayProcess.start({ redisUrl: redis.url, providerUrl, provider: 'anthropic' })).redisUp();
  direct = new Anthropic({ baseURL: providerUrl, apiKey: 'k', maxRetries: 0 });
  ours = new Anthropic({ baseURL: gateway.url, apiKey: 'k1', maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
  await redis.kill();
});

const request = (content: string): MessageCreateParamsNonStreaming => ({
  model: 'claude-x',
  max_tokens: 100,
  messages: [{ role: 'user', content }],
});
const collected = (client: Anthropic, content: string): Promise<Message> =>
  client.messages.stream(request(content)).finalMessage();
/** Without what the helper adds. */
const plain = (message: Message): unknown =>
  JSON.parse(JSON.stringify(message, (name, value: unknown) => (name === 'parsed_output' ? undefined : value)));

it.each(KINDS)('trap 14: the official SDK gets as JSON what it makes of the stream: %s', async (kind) => {
  provider.answers((_, response) => {
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(streamOf([start(), { type: 'ping' }, ...(STREAMS[kind] ?? []), STOP]));
  });
  const own = plain(await collected(direct, kind));
  const json = await ours.messages.create(request(kind));
  expect(plain(json)).toEqual(own);
  expect(plain(await ours.messages.create(request(kind)))).toEqual(own);
  expect(plain(await collected(ours, kind))).toEqual(own);

  // And the other way round, from a provider who does not stream.
  provider.answers(({ body }, response) => {
    const streams = (JSON.parse(body) as { stream?: boolean }).stream === true;
    response.writeHead(streams ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(streams ? { type: 'error', error: { message: 'stream is not supported' } } : json));
  });
  const twice = `${kind} again`;
  expect(plain(await ours.messages.create(request(twice)))).toEqual(own);
  expect(plain(await collected(ours, twice))).toEqual(own);
});
