import { readImagesUsage, readOpenAiUsage } from './openai-usage.js';

describe('usage of the OpenAI protocol', () => {
  it('is read from a chat completion with its details', () => {
    expect(
      readOpenAiUsage({
        prompt_tokens: 2006,
        completion_tokens: 300,
        total_tokens: 2306,
        prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 0, accepted_prediction_tokens: 0 },
      }),
    ).toEqual({
      inputTokens: 2006,
      cachedInputTokens: 1920,
      cacheWrite5mTokens: null,
      cacheWrite1hTokens: null,
      audioInputTokens: 0,
      imageInputTokens: null,
      outputTokens: 300,
      reasoningTokens: 64,
      audioOutputTokens: 0,
      imageOutputTokens: null,
    });
  });

  it('is read from a response of the responses route', () => {
    const usage = readOpenAiUsage({
      input_tokens: 75,
      input_tokens_details: { cached_tokens: 5 },
      output_tokens: 1186,
      output_tokens_details: { reasoning_tokens: 1024 },
      total_tokens: 1261,
    });
    expect(usage).toMatchObject({ inputTokens: 75, cachedInputTokens: 5, outputTokens: 1186, reasoningTokens: 1024 });
  });

  it('of embeddings has no output, and says so by its total', () => {
    expect(readOpenAiUsage({ prompt_tokens: 8, total_tokens: 8 })).toMatchObject({ inputTokens: 8, outputTokens: 0 });
    expect(readOpenAiUsage({ prompt_tokens: 8 })).toMatchObject({ inputTokens: 8, outputTokens: null });
  });

  it('of images is image where nothing else is said of what was put out', () => {
    const usage = { input_tokens: 10, output_tokens: 20, total_tokens: 30 };
    expect(readImagesUsage(usage)).toMatchObject({ outputTokens: 20, imageOutputTokens: 20 });
    const told = { ...usage, output_tokens_details: { image_tokens: 15, text_tokens: 5 } };
    expect(readImagesUsage(told)).toMatchObject({ outputTokens: 20, imageOutputTokens: 15 });
    expect(readImagesUsage(null)).toBeNull();
  });

  it.each([null, undefined, 7, 'usage', [], {}, { prompt_tokens: '8' }])('%j is no usage', (usage) => {
    expect(readOpenAiUsage(usage)).toBeNull();
  });

  it.each([-1, 1.5, Number.NaN, 1e300, '3', null])('a count of %j is unknown, not zero', (count) => {
    expect(readOpenAiUsage({ prompt_tokens: 1, completion_tokens: count })).toMatchObject({ outputTokens: null });
  });
});
