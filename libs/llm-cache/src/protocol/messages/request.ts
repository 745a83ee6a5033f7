/** The request of `POST /v1/messages`: what we must understand of it. All else is the provider's to judge. */
import { given, isObject } from '../json-object.js';
import { LlmError } from '../llm-error.js';
import type { JsonObject, RequestFacts } from '../protocol.js';

/**
 * Tools that the client runs itself: its own, and those whose schema Anthropic wrote. Whatever else has a type runs at the
 * provider (web search and fetch, code execution, tool search, MCP), as may one that is not known yet.
 */
const CLIENT_TOOLS = /^(?:custom$|bash_|browser_|computer_|memory_|text_editor_)/;

export function readMessagesRequest(body: unknown): RequestFacts {
  if (!isObject(body)) throw new LlmError('invalid_type', `Input should be a valid object, but got ${nameOf(body)}.`);
  const { model, messages, stream } = body;
  if (model === undefined) throw missing('model');
  if (typeof model !== 'string') throw wrongType('model', 'string', model);
  if (model === '')
    throw new LlmError('invalid_value', 'model: String should have at least 1 character', { param: 'model' });
  checkMessages(messages);
  if (given(stream) && typeof stream !== 'boolean') {
    throw wrongType('stream', 'boolean', stream);
  }
  // Streams of this protocol always tell their usage.
  return {
    model,
    stream: stream === true,
    usageAsked: true,
    serverTools: asksForServerTools(body),
    // A thread lies at the provider, which adds to it with every request.
    stateful: given(body['thread']),
  };
}

/** `json` as read from the client: everything that is not known stays as it is. */
export function streamedMessagesRequest(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify({ ...body, stream: true }));
}

function checkMessages(messages: unknown): void {
  if (messages === undefined) throw missing('messages');
  if (!Array.isArray(messages)) throw wrongType('messages', 'list', messages);
  if (messages.length === 0) {
    throw new LlmError('empty_array', 'messages: at least one message is required', { param: 'messages' });
  }
  for (const [index, message] of messages.entries()) {
    const param = `messages.${index}`;
    if (!isObject(message)) throw wrongType(param, 'dictionary', message);
    if (message['role'] === undefined) throw missing(`${param}.role`);
    if (typeof message['role'] !== 'string') throw wrongType(`${param}.role`, 'string', message['role']);
  }
}

function asksForServerTools({ tools, mcp_servers: mcpServers, container }: JsonObject): boolean {
  if (Array.isArray(mcpServers) && mcpServers.length > 0) return true;
  // A container keeps what earlier requests left in it.
  if (given(container)) return true;
  return (
    Array.isArray(tools) &&
    tools.some(
      (tool: unknown) => isObject(tool) && typeof tool['type'] === 'string' && !CLIENT_TOOLS.test(tool['type']),
    )
  );
}

function missing(param: string): LlmError {
  return new LlmError('missing_required_parameter', `${param}: Field required`, { param });
}

function wrongType(param: string, expected: string, got: unknown): LlmError {
  return new LlmError('invalid_type', `${param}: Input should be a valid ${expected}, but got ${nameOf(got)}`, {
    param,
  });
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a dictionary' : `a ${typeof value}`;
}
