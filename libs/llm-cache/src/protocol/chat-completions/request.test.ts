import { LlmError } from '../llm-error.js';
import { openAiErrorOf } from '../openai-error.js';
import { streamedWithUsage } from '../choices/streamed-request.js';
import { readChatRequest } from './request.js';

const messages = [{ role: 'user', content: 'hi' }];

function refused(body: unknown): LlmError {
  try {
    readChatRequest(body);
  } catch (error) {
    if (error instanceof LlmError) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('the request of a chat completion', () => {
  it('is read for what concerns us', () => {
    expect(readChatRequest({ model: 'm', messages })).toEqual({
      model: 'm',
      stream: false,
      usageAsked: false,
      serverTools: false,
    });
    expect(
      readChatRequest({ model: 'm', messages, stream: true, stream_options: { include_usage: true } }),
    ).toMatchObject({
      stream: true,
      usageAsked: true,
    });
    expect(readChatRequest({ model: 'm', messages, stream: null, stream_options: null })).toMatchObject({
      stream: false,
      usageAsked: false,
    });
  });

  it.each([
    [null, null, 'invalid_type'],
    [[], null, 'invalid_type'],
    ['x', null, 'invalid_type'],
    [{ messages }, 'model', 'missing_required_parameter'],
    [{ model: 5, messages }, 'model', 'invalid_type'],
    [{ model: '', messages }, 'model', 'invalid_value'],
    [{ model: 'm' }, 'messages', 'missing_required_parameter'],
    [{ model: 'm', messages: 'hi' }, 'messages', 'invalid_type'],
    [{ model: 'm', messages: { role: 'user' } }, 'messages', 'invalid_type'],
    [{ model: 'm', messages: [] }, 'messages', 'empty_array'],
    [{ model: 'm', messages: ['hi'] }, 'messages[0]', 'invalid_type'],
    [{ model: 'm', messages: [...messages, null] }, 'messages[1]', 'invalid_type'],
    [{ model: 'm', messages: [{ content: 'x' }] }, 'messages[0].role', 'missing_required_parameter'],
    [{ model: 'm', messages: [{ role: 1 }] }, 'messages[0].role', 'invalid_type'],
    [{ model: 'm', messages, stream: 'true' }, 'stream', 'invalid_type'],
    [{ model: 'm', messages, stream_options: [] }, 'stream_options', 'invalid_type'],
    [{ model: 'm', messages, stream_options: { include_usage: 1 } }, 'stream_options.include_usage', 'invalid_type'],
  ])('is refused with the parameter named: %j', (body, param, code) => {
    const error = refused(body);
    expect(error).toMatchObject({ status: 400, param, code });
    expect(openAiErrorOf(error)).toEqual({
      error: { message: error.message, type: 'invalid_request_error', param, code },
    });
  });

  it.each([
    { web_search_options: {} },
    { tools: [{ type: 'web_search' }] },
    { tools: [{ type: 'function' }, { type: 'browser_search' }] },
    { search_parameters: { mode: 'auto' } },
    { plugins: [{ id: 'web' }] },
    { model: 'gpt-4o-search-preview' },
    { model: 'openai/gpt-4o:online' },
    { model: 'groq/compound' },
    { enable_search: true },
    { tools: [{ google_search: {} }] },
  ])('trap 15: %j lets the provider search', (change) => {
    expect(readChatRequest({ model: 'm', messages, ...change }).serverTools).toBe(true);
  });

  it.each([
    { tools: [{ type: 'function' }, { type: 'custom' }] },
    { tools: [] },
    { tools: null },
    { web_search_options: null },
    { enable_search: false },
    { tools: [{ function: { name: 'f' } }] },
  ])('%j does not', (change) => {
    expect(readChatRequest({ model: 'm', messages, ...change }).serverTools).toBe(false);
  });

  it('is sent on as it came but for asking to stream, with usage', () => {
    const body = JSON.parse(
      '{"model":"m","messages":[],"__proto__":{"x":1},"stream":false,"stream_options":{"include_obfuscation":false}}',
    ) as Record<string, unknown>;
    expect(streamedWithUsage(body).toString()).toBe(
      '{"model":"m","messages":[],"__proto__":{"x":1},"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}',
    );
    expect(body['stream']).toBe(false);
  });
});
