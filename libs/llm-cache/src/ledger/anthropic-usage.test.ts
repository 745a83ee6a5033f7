import { anthropicTier, readAnthropicUsage } from './anthropic-usage.js';

const NONE = {
  audioInputTokens: null,
  imageInputTokens: null,
  reasoningTokens: null,
  audioOutputTokens: null,
  imageOutputTokens: null,
};

describe('the usage of Anthropic’s Messages', () => {
  it('trap 20: adds up what is counted beside each other, and keeps the classes apart', () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 1100,
      cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 800 },
      output_tokens: 5,
      output_tokens_details: { thinking_tokens: 2 },
    };
    expect(readAnthropicUsage(usage)).toEqual({
      ...NONE,
      reasoningTokens: 2,
      inputTokens: 1210,
      cachedInputTokens: 100,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: 800,
      outputTokens: 5,
    });
  });

  it('takes writes whose time is not said for those of five minutes, the time that holds unless an hour was asked for', () => {
    const usage = { input_tokens: 10, cache_creation_input_tokens: 300, output_tokens: 5 };
    expect(readAnthropicUsage(usage)).toMatchObject({
      inputTokens: 310,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: null,
    });
  });

  it('trap 20: knows no total, and so no price, where the parts are not the sum', () => {
    const usage = {
      input_tokens: 10,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 1 },
      output_tokens: 5,
    };
    expect(readAnthropicUsage(usage)).toMatchObject({ inputTokens: null, outputTokens: 5 });
  });

  it.each([
    { server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 } },
    { server_tool_use: { tool_to_come: 2 } },
    { iterations: [{ type: 'compaction', input_tokens: 180_000, output_tokens: 3_500 }, { type: 'message' }] },
  ])('trap 20: knows that more is billed than it counts where it says %j', (more) => {
    expect(readAnthropicUsage({ input_tokens: 10, output_tokens: 5, ...more })).toMatchObject({ billedBeside: true });
  });

  it.each([
    { server_tool_use: null },
    { server_tool_use: { web_search_requests: 0, web_fetch_requests: 3 } },
    { iterations: [{ type: 'message', input_tokens: 10, output_tokens: 5 }] },
  ])('counts all that is billed where it says %j', (more) => {
    expect(readAnthropicUsage({ input_tokens: 10, output_tokens: 5, ...more })).not.toHaveProperty('billedBeside');
  });

  it('is unknown where it is not said', () => {
    expect(readAnthropicUsage({ output_tokens: 5 })).toMatchObject({ inputTokens: null, outputTokens: 5 });
    expect(readAnthropicUsage({ input_tokens: -1, output_tokens: '5' })).toBeNull();
    for (const none of [undefined, null, 1, [], {}]) expect(readAnthropicUsage(none)).toBeNull();
  });

  it('trap 20: what costs something else than the standard is a tier of its own', () => {
    expect(anthropicTier({ service_tier: 'standard', speed: 'standard', inference_geo: 'global' })).toBe('standard');
    expect(anthropicTier({ service_tier: 'priority' })).toBe('priority');
    expect(anthropicTier({ service_tier: 'standard', speed: 'fast' })).toBe('fast');
    expect(anthropicTier({ service_tier: 'standard', speed: 'fast', inference_geo: 'us' })).toBe('fast+us');
    for (const none of [null, {}, { service_tier: null }]) expect(anthropicTier(none)).toBeNull();
  });
});
