/** The streams of the simulated provider in each protocol: packed beside their answers they are small, and the same. */
import { type SimulatedProvider, startSimulatedProvider } from '@promptsales/simulated-provider';
import { CHAT_COMPLETIONS } from '../src/protocol/chat-completions/chat-completions.js';
import { COMPLETIONS } from '../src/protocol/completions/completions.js';
import { MESSAGES } from '../src/protocol/messages/messages.js';
import type { Protocol } from '../src/protocol/protocol.js';
import { RESPONSES } from '../src/protocol/responses/responses.js';
import { packRecording, readRecording } from '../src/stream/packed/packed-recording.js';
import { encodeRecording, Recording } from '../src/stream/recording.js';
import { SseSplitter } from '../src/stream/sse-frames.js';

const QUESTION = 'Write a long story of 300 words for the "spring" campaign.';
const CHAT = { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: QUESTION }] };
const TOOL = {
  match: { userMessage: 'weather' },
  response: {
    toolCalls: [{ name: 'weather', arguments: JSON.stringify({ city: 'Berlin', days: 3, units: 'metric' }) }],
  },
};

let provider: SimulatedProvider;
beforeAll(async () => {
  provider = await startSimulatedProvider({ chunkCharacters: 6, fixtures: [TOOL] });
});
afterAll(() => provider.stop());

async function framesOf(route: string, body: object): Promise<Buffer[]> {
  const response = await fetch(provider.openaiBaseUrl + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return new SseSplitter(1 << 20).push(Buffer.from(await response.arrayBuffer()));
}

const withUsage = { stream_options: { include_usage: true } };
const toolQuestion = [{ role: 'user', content: 'weather' }];

test.each<[string, Protocol, string, object]>([
  ['a chat completion', CHAT_COMPLETIONS, '/chat/completions', { ...CHAT, ...withUsage }],
  ['a chat completion without usage', CHAT_COMPLETIONS, '/chat/completions', CHAT],
  ['a tool call', CHAT_COMPLETIONS, '/chat/completions', { ...CHAT, messages: toolQuestion }],
  ['a structured output', CHAT_COMPLETIONS, '/chat/completions', { ...CHAT, response_format: { type: 'json_object' } }],
  ['a completion', COMPLETIONS, '/completions', { model: 'instruct', stream: true, prompt: QUESTION, ...withUsage }],
  ['a response', RESPONSES, '/responses', { model: 'gpt-5', stream: true, input: QUESTION }],
  ['a response with a tool call', RESPONSES, '/responses', { model: 'gpt-5', stream: true, input: 'weather' }],
  ['a message', MESSAGES, '/messages', { ...CHAT, max_tokens: 999 }],
  ['a message with a tool call', MESSAGES, '/messages', { ...CHAT, max_tokens: 999, messages: toolQuestion }],
])('%s', async (_what, protocol, route, body) => {
  const raws = await framesOf(route, body);
  const assembler = protocol.assembler(1 << 20);
  const frames = raws.map((raw) => ({ raw, afterMicros: 0, cut: assembler.push(raw).cut }));
  const { json, defect } = assembler.finish();
  expect(defect).toBeNull();
  const recorded = encodeRecording(frames, { usageAsked: true, synthesised: false });
  const packed = packRecording(recorded, json as Buffer);
  const read = readRecording(packed, json as Buffer) as Recording;
  const whole = Recording.read(recorded) as Recording;
  for (const usage of [true, false]) {
    expect(Buffer.concat(read.slices(usage)).toString()).toBe(Buffer.concat(whole.slices(usage)).toString());
  }
  // So little that the key which it lies under takes nearly as much.
  expect(packed.length).toBeLessThan(450);
  expect(recorded.length).toBeGreaterThan(2 * packed.length);
});
