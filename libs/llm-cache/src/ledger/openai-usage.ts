import type { Usage } from './ledger.js';

/**
 * Reads the `usage` object of the OpenAI protocol into token classes: that of chat completions and embeddings
 * (`prompt_tokens`, `completion_tokens`) and that of responses and images (`input_tokens`, `output_tokens`), with their
 * details. A count that is absent, negative or no whole number is `null`; anything but an object is no usage at all.
 */
export function readOpenAiUsage(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  const inputTokens = count(usage['prompt_tokens']) ?? count(usage['input_tokens']);
  const total = count(usage['total_tokens']);
  const outputTokens =
    count(usage['completion_tokens']) ?? count(usage['output_tokens']) ?? outputless(inputTokens, total);
  if (inputTokens === null && outputTokens === null) return null;
  const input = details(usage, 'prompt_tokens_details', 'input_tokens_details');
  const output = details(usage, 'completion_tokens_details', 'output_tokens_details');
  return {
    inputTokens,
    cachedInputTokens: count(input['cached_tokens']),
    cacheWrite5mTokens: null,
    cacheWrite1hTokens: null,
    audioInputTokens: count(input['audio_tokens']),
    imageInputTokens: count(input['image_tokens']),
    outputTokens,
    reasoningTokens: count(output['reasoning_tokens']),
    audioOutputTokens: count(output['audio_tokens']),
    imageOutputTokens: count(output['image_tokens']),
  };
}

/** Of images: what is put out is image, unless the details say how much of it is text. */
export function readImagesUsage(usage: unknown): Usage | null {
  const read = readOpenAiUsage(usage);
  return read === null ? null : { ...read, imageOutputTokens: read.imageOutputTokens ?? read.outputTokens };
}

/** Nothing was counted in tokens. */
export const NO_TOKENS: Usage = Object.freeze({
  inputTokens: null,
  cachedInputTokens: null,
  cacheWrite5mTokens: null,
  cacheWrite1hTokens: null,
  audioInputTokens: null,
  imageInputTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  audioOutputTokens: null,
  imageOutputTokens: null,
});

/** Embeddings report no output; their total says that there was none. */
function outputless(inputTokens: number | null, total: number | null): number | null {
  return inputTokens !== null && inputTokens === total ? 0 : null;
}

function details(usage: Record<string, unknown>, ...names: string[]): Record<string, unknown> {
  for (const name of names) {
    const found = usage[name];
    if (isRecord(found)) return found;
  }
  return {};
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
