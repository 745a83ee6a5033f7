/** The request of `POST /v1/chat/completions`: what we must understand of it. All else is the provider's to judge. */
import { LlmError } from '../llm-error.js';
import type { JsonObject, RequestFacts } from '../protocol.js';

/** Kinds of tools that the client runs itself; any other runs at the provider. */
const CLIENT_TOOLS: ReadonlySet<unknown> = new Set(['function', 'custom']);
/** Members by which the providers of this protocol are asked to search the web. */
const SEARCH_MEMBERS = ['web_search_options', 'search_parameters', 'plugins', 'web_search'] as const;
/** Models that search without being asked. */
const SEARCH_MODELS = /-search-preview|-search-api|:online$|^(?:perplexity\/)?sonar/;

export function readChatRequest(body: unknown): RequestFacts {
  if (!isObject(body)) {
    throw new LlmError('invalid_type', `Invalid request body: expected a JSON object, but got ${nameOf(body)}.`);
  }
  const model = readModel(body['model']);
  checkMessages(body['messages']);
  return {
    model,
    stream: readStream(body['stream']),
    usageAsked: readUsageAsked(body['stream_options']),
    serverTools: asksForServerTools(body, model),
  };
}

export function streamedChatRequest(body: JsonObject): Buffer {
  const options = isObject(body['stream_options']) ? body['stream_options'] : {};
  return Buffer.from(JSON.stringify({ ...body, stream: true, stream_options: { ...options, include_usage: true } }));
}

function readModel(model: unknown): string {
  if (model === undefined) throw missing('model');
  if (typeof model !== 'string') throw wrongType('model', 'a string', model);
  if (model === '')
    throw new LlmError('invalid_value', "Invalid 'model': the name of a model cannot be empty.", { param: 'model' });
  return model;
}

function checkMessages(messages: unknown): void {
  if (messages === undefined) throw missing('messages');
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0) {
    throw new LlmError(
      'empty_array',
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      { param: 'messages' },
    );
  }
  for (const [index, message] of messages.entries()) {
    const param = `messages[${index}]`;
    if (!isObject(message)) throw wrongType(param, 'an object', message);
    if (message['role'] === undefined) throw missing(`${param}.role`);
    if (typeof message['role'] !== 'string') throw wrongType(`${param}.role`, 'a string', message['role']);
  }
}

function readStream(stream: unknown): boolean {
  if (stream === undefined || stream === null) return false;
  if (typeof stream !== 'boolean') throw wrongType('stream', 'a boolean', stream);
  return stream;
}

function readUsageAsked(options: unknown): boolean {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw wrongType('stream_options', 'an object', options);
  const asked = options['include_usage'];
  if (asked === undefined || asked === null) return false;
  if (typeof asked !== 'boolean') throw wrongType('stream_options.include_usage', 'a boolean', asked);
  return asked;
}

function asksForServerTools(body: JsonObject, model: string): boolean {
  if (SEARCH_MODELS.test(model)) return true;
  for (const member of SEARCH_MEMBERS) {
    if (body[member] !== undefined && body[member] !== null) return true;
  }
  const tools = body['tools'];
  return (
    Array.isArray(tools) &&
    tools.some((tool: unknown) => isObject(tool) && !CLIENT_TOOLS.has(tool['type'] ?? 'function'))
  );
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function missing(param: string): LlmError {
  return new LlmError('missing_required_parameter', `Missing required parameter: '${param}'.`, { param });
}

function wrongType(param: string, expected: string, got: unknown): LlmError {
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
