/** The request of `POST /v1/embeddings`: its items, one by one. All that is no matter of `input` is the provider's to judge. */
import { LlmError } from '../llm-error.js';
import type { RequestFacts } from '../protocol.js';
import { emptyArray, missing, readModel, readObject, wrongType } from '../request-checks.js';

/** A text, or the tokens of one. */
export type EmbeddingItem = string | readonly number[];

/** As many as OpenAI takes. */
const MOST_ITEMS = 2048;
/** No vocabulary has as many. */
const TOKENS_BELOW = 2 ** 31;

/** @throws LlmError for a body that no provider could answer */
export function readEmbeddingsRequest(sent: unknown): RequestFacts {
  const body = readObject(sent);
  readItems(body['input']);
  return { model: readModel(body['model']), stream: false, usageAsked: true, serverTools: false };
}

/**
 * What is to be embedded: a text, a list of texts, the tokens of a text, or a list of those.
 * @throws LlmError for anything else
 */
export function readItems(input: unknown): readonly EmbeddingItem[] {
  if (input === undefined) throw missing('input');
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) throw wrongType('input', 'a string or an array', input);
  const [first] = input as unknown[];
  if (first === undefined) throw emptyArray('input');
  if (typeof first === 'number') return [readTokens(input, 'input')];
  if (input.length > MOST_ITEMS) {
    const message = `Invalid 'input': array too long. Expected an array with at most ${MOST_ITEMS} items, but got ${input.length}.`;
    throw new LlmError('invalid_value', message, { param: 'input' });
  }
  if (typeof first === 'string') {
    for (const [at, item] of input.entries()) {
      if (typeof item !== 'string') throw wrongType(`input[${at}]`, 'a string like the first item', item);
    }
    return input as string[];
  }
  if (!Array.isArray(first)) throw wrongType('input[0]', 'a string, a token or an array of tokens', first);
  return input.map((item: unknown, at) => {
    if (!Array.isArray(item)) throw wrongType(`input[${at}]`, 'an array of tokens like the first item', item);
    return readTokens(item, `input[${at}]`);
  });
}

function readTokens(tokens: readonly unknown[], param: string): readonly number[] {
  if (tokens.length === 0) throw emptyArray(param);
  for (const [at, token] of tokens.entries()) {
    if (typeof token !== 'number') throw wrongType(`${param}[${at}]`, 'a token, which is an integer', token);
    if (!Number.isInteger(token) || Object.is(token, -0) || token < 0 || token >= TOKENS_BELOW) {
      const message = `Invalid '${param}[${at}]': a token is an integer from 0 to ${TOKENS_BELOW - 1}.`;
      throw new LlmError('invalid_value', message, { param: `${param}[${at}]` });
    }
  }
  return tokens as readonly number[];
}
