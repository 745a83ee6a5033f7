/**
 * The JSON answer that we assemble from a provider's stream against the provider's own JSON answer, for every kind of
 * answer that the simulated provider can give. Only what two separate calls can never share is made equal first: ids,
 * times and tool-call ids, which the provider draws anew for each call.
 *
 * Known and irreducible: a stream that the mock begins with tool calls and continues with text (its `blocks`) loses the
 * order between the two in JSON, in the mock's own JSON answer as well. OpenAI's own JSON answers also carry
 * `"annotations":[]`, which no chunk announces; an assembled answer leaves it out, as the schema allows.
 */
import { LLMock } from '@copilotkit/aimock';
import { CHAT_COMPLETIONS } from '../src/protocol/chat-completions/chat-completions.js';
import { SseSplitter } from '../src/stream/sse-frames.js';

const mock = new LLMock({ port: 0 });

const FIXTURES: Record<string, Parameters<LLMock['onMessage']>[1]> = {
  text: { content: 'Hi there! How can I help you today? 😀 ñ' },
  empty: { content: '' },
  reasoning: { content: '42', reasoning: 'let me think about it for a while' },
  tools: {
    toolCalls: [
      { name: 'get_weather', arguments: '{"city":"SF","unit":"c"}' },
      { name: 'time', arguments: '{}' },
    ],
  },
  'tools with reasoning': { toolCalls: [{ name: 'f', arguments: '{"a":[1,2]}' }], reasoning: 'which tool?' },
  'text and tools': { content: 'I will look.', toolCalls: [{ name: 'f', arguments: '{"a":1}' }] },
  overridden: {
    content: 'x',
    id: 'chatcmpl-fixed',
    created: 7,
    model: 'gpt-4o-2024-08-06',
    systemFingerprint: 'fp_1',
    usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 },
  },
  cut: { content: 'half of it', finishReason: 'length' },
};

beforeAll(async () => {
  for (const [name, fixture] of Object.entries(FIXTURES)) mock.onMessage(new RegExp(`^${name}$`), fixture);
  await mock.start();
});
afterAll(() => mock.stop());

const request = (content: string) => ({ model: 'gpt-4o', messages: [{ role: 'user', content }] });

async function ask(body: Buffer | string): Promise<Buffer> {
  const response = await fetch(`${mock.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer mock' },
    body,
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

function assembled(stream: Buffer): { json: Buffer | null; defect: string | null } {
  const splitter = new SseSplitter(1 << 20);
  const assembler = CHAT_COMPLETIONS.assembler(1024 * 1024);
  for (const frame of splitter.push(stream)) assembler.push(frame);
  expect(splitter.finish()).toBeNull();
  return assembler.finish();
}

function comparable(json: Buffer | null): string {
  return String(json)
    .replaceAll(/"id":"chatcmpl-(?!fixed)[^"]*"/g, '"id":"chatcmpl"')
    .replaceAll(/"id":"call_[^"]*"/g, '"id":"call"')
    .replaceAll(/"created":\d{6,}/g, '"created":0');
}

describe('trap 14: an answer assembled from its stream', () => {
  it.each(Object.keys(FIXTURES))('equals the provider’s own JSON answer, byte for byte: %s', async (name) => {
    const own = await ask(JSON.stringify(request(name)));
    const fromStream = assembled(await ask(CHAT_COMPLETIONS.streamedRequest?.(request(name)) ?? ''));
    expect(comparable(fromStream.json)).toBe(comparable(own));
    expect(fromStream.defect).toBe(name === 'cut' ? 'finish_length' : null);
  });

  it.each(Object.keys(FIXTURES))('and the provider’s own JSON answer can be streamed: %s', async (name) => {
    const own = await ask(JSON.stringify(request(name)));
    const frames = CHAT_COMPLETIONS.synthesise(own);
    const back = assembled(Buffer.concat((frames ?? []).map(({ raw }) => raw)));
    expect(back.json?.toString()).toBe(own.toString());
  });
});
