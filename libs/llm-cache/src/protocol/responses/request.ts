/** The request of `POST /v1/responses`: what we must understand of it. All else is the provider's to judge. */
import { given, isObject, textIn } from '../json-object.js';
import { LlmError } from '../llm-error.js';
import type { JsonObject, RequestFacts } from '../protocol.js';
import { readModel, readObject, readStream, wrongType } from '../request-checks.js';
import { asksForServerTools } from '../server-tools.js';

/** Kinds of tools that the client runs itself; any other runs at the provider. */
const CLIENT_TOOLS: ReadonlySet<unknown> = new Set([
  'function',
  'custom',
  'local_shell',
  'apply_patch',
  'computer_use_preview',
  'computer',
]);

export function readResponsesRequest(sent: unknown): RequestFacts {
  const body = readObject(sent);
  const model = readModelOrTemplate(body);
  if (!saysWhatToAnswer(body)) {
    throw new LlmError('missing_required_parameter', "Missing required parameter: 'input'.", { param: 'input' });
  }
  checkInput(body['input']);
  const { previous_response_id: previous } = body;
  return {
    model,
    stream: readStream(body['stream']),
    // Its last event says what was counted, whoever asks.
    usageAsked: true,
    serverTools: asksForServerTools(body, model) || namesServerTools(body['tools']),
    stateful: isStateful(body),
    ...(typeof previous === 'string' ? { continues: previous } : {}),
  };
}

export function streamedResponsesRequest(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify({ ...body, stream: true }));
}

/** A template that the provider keeps names the model itself. */
function readModelOrTemplate({ model, prompt }: JsonObject): string {
  const template = isObject(prompt) ? textIn(prompt['id']) : null;
  return !given(model) && template !== null ? `prompt:${template}` : readModel(model);
}

function saysWhatToAnswer({ input, prompt, previous_response_id: previous, conversation }: JsonObject): boolean {
  return given(input) || isObject(prompt) || given(previous) || given(conversation);
}

function checkInput(input: unknown): void {
  if (!given(input) || typeof input === 'string') return;
  if (!Array.isArray(input)) throw wrongType('input', 'a string or an array of objects', input);
  for (const [at, item] of (input as unknown[]).entries()) {
    if (!isObject(item)) throw wrongType(`input[${at}]`, 'an object', item);
  }
}

function isStateful(body: JsonObject): boolean {
  if (given(body['previous_response_id']) || given(body['conversation'])) return true;
  if (given(body['background']) && body['background'] !== false) return true;
  // Without a version, a template is whatever the provider's account has of it at the time.
  if (isObject(body['prompt']) && !given(body['prompt']['version'])) return true;
  const { input } = body;
  return Array.isArray(input) && input.some((item: unknown) => isObject(item) && item['type'] === 'item_reference');
}

function namesServerTools(tools: unknown): boolean {
  return Array.isArray(tools) && tools.some((tool: unknown) => isObject(tool) && !runsAtTheClient(tool));
}

function runsAtTheClient(tool: JsonObject): boolean {
  if (tool['type'] === 'shell') return isObject(tool['environment']) && tool['environment']['type'] === 'local';
  return CLIENT_TOOLS.has(tool['type']);
}
