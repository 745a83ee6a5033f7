/** The request of `POST /v1/chat/completions`: what we must understand of it. All else is the provider's to judge. */
import { isObject } from '../json-object.js';
import type { JsonObject, RequestFacts } from '../protocol.js';
import {
  emptyArray,
  missing,
  readModel,
  readObject,
  readStream,
  readUsageAsked,
  wrongType,
} from '../request-checks.js';
import { asksForServerTools } from '../server-tools.js';

/** Kinds of tools that the client runs itself; any other runs at the provider. */
const CLIENT_TOOLS: ReadonlySet<unknown> = new Set(['function', 'custom']);

export function readChatRequest(sent: unknown): RequestFacts {
  const body = readObject(sent);
  const model = readModel(body['model']);
  checkMessages(body['messages']);
  return {
    model,
    stream: readStream(body['stream']),
    usageAsked: readUsageAsked(body['stream_options']),
    serverTools: asksForServerTools(body, model) || namesServerTools(body['tools']),
  };
}

function checkMessages(messages: unknown): void {
  if (messages === undefined) throw missing('messages');
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0) throw emptyArray('messages');
  for (const [index, message] of messages.entries()) {
    const param = `messages[${index}]`;
    if (!isObject(message)) throw wrongType(param, 'an object', message);
    if (message['role'] === undefined) throw missing(`${param}.role`);
    if (typeof message['role'] !== 'string') throw wrongType(`${param}.role`, 'a string', message['role']);
  }
}

function namesServerTools(tools: unknown): boolean {
  return Array.isArray(tools) && tools.some((tool: unknown) => isObject(tool) && !runsAtTheClient(tool));
}

/** Some servers name tools of their own by a member alone: `{"google_search": {}}`. */
function runsAtTheClient({ type, function: called }: JsonObject): boolean {
  return type === undefined || type === null ? isObject(called) : CLIENT_TOOLS.has(type);
}
