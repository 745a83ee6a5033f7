/** What the endpoints of OpenAI's API refuse alike, in its own words. */
import { isObject } from './json-object.js';
import { LlmError } from './llm-error.js';
import type { JsonObject } from './protocol.js';

/** @throws LlmError for a body that is no object */
export function readObject(body: unknown): JsonObject {
  if (isObject(body)) return body;
  throw new LlmError('invalid_type', `Invalid request body: expected a JSON object, but got ${nameOf(body)}.`);
}

export function readModel(model: unknown): string {
  if (model === undefined) throw missing('model');
  if (typeof model !== 'string') throw wrongType('model', 'a string', model);
  if (model === '')
    throw new LlmError('invalid_value', "Invalid 'model': the name of a model cannot be empty.", { param: 'model' });
  return model;
}

export function readStream(stream: unknown): boolean {
  if (stream === undefined || stream === null) return false;
  if (typeof stream !== 'boolean') throw wrongType('stream', 'a boolean', stream);
  return stream;
}

/** `stream_options.include_usage` */
export function readUsageAsked(options: unknown): boolean {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw wrongType('stream_options', 'an object', options);
  const asked = options['include_usage'];
  if (asked === undefined || asked === null) return false;
  if (typeof asked !== 'boolean') throw wrongType('stream_options.include_usage', 'a boolean', asked);
  return asked;
}

export function missing(param: string): LlmError {
  return new LlmError('missing_required_parameter', `Missing required parameter: '${param}'.`, { param });
}

export function emptyArray(param: string): LlmError {
  return new LlmError(
    'empty_array',
    `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
    { param },
  );
}

export function wrongType(param: string, expected: string, got: unknown): LlmError {
  return new LlmError(
    'invalid_type',
    `Invalid type for '${param}': expected ${expected}, but got ${nameOf(got)} instead.`,
    { param },
  );
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return value === undefined ? 'nothing' : `a ${typeof value}`;
}
