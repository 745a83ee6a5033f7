/** JSON-RPC messages as they stand on the wire. What is inside a message is read here and changed nowhere. */
import { BodyError, parseBody, type JsonValue, type ParsedBody } from '@promptsales/cache-core';

export type JsonRpcId = string | number | null;
export type JsonObject = Readonly<Record<string, unknown>>;

/** A message of a client. `body` has the bytes as they came. */
export interface ClientMessage {
  /** Of a response: what the client answers to a question of the server. */
  readonly kind: 'request' | 'notification' | 'response';
  readonly id: JsonRpcId;
  /** Empty for a response. */
  readonly method: string;
  readonly params: JsonObject;
  readonly body: ParsedBody;
}

/** Codes of JSON-RPC 2.0, and of its range for implementations. */
export const RPC = Object.freeze({
  parseError: -32700,
  invalidRequest: -32600,
  internalError: -32603,
  /** As the official servers say it. */
  sessionNotFound: -32001,
  refused: -32000,
  /** As the revision 2026-07-28 has it. */
  headerMismatch: -32020,
  /** As in the Language Server Protocol. */
  cancelled: -32800,
});

/** What cannot be passed on, in the shape that MCP clients read. */
export class McpError extends Error {
  override readonly name = 'McpError';
  /** Of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Beside the code, in `error.data`. */
  readonly details: JsonObject;

  constructor(
    readonly httpStatus: number,
    readonly rpcCode: number,
    /** Stable; in `error.data.code`. */
    readonly code: string,
    message: string,
    readonly id: JsonRpcId = null,
    options: {
      readonly cause?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly details?: JsonObject;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.headers = options.headers ?? {};
    this.details = options.details ?? {};
  }
}

export function errorBody({ rpcCode, code, message, details }: McpError, id: JsonRpcId): Buffer {
  const error = { code: rpcCode, message, data: { code, ...details } };
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', error, id }));
}

/**
 * The one message of a body.
 * @throws McpError for what is no single JSON-RPC message: that much holds for every protocol version that is spoken here
 */
export function clientMessage(bytes: Buffer): ClientMessage {
  const body = parsed(bytes);
  const { value } = body;
  if (Array.isArray(value)) {
    throw refusal('batch_not_allowed', 'Send one message at a time: these protocol versions have no batches.');
  }
  if (!isObject(value) || value['jsonrpc'] !== '2.0') {
    throw refusal('not_json_rpc', 'The body is no JSON-RPC 2.0 message.');
  }
  const { id, method, params = {} } = value;
  if (typeof method === 'string') {
    if (!isObject(params)) throw refusal('invalid_params', 'The parameters of a request are an object.', idOf(id));
    if (id === undefined) return { kind: 'notification', id: null, method, params, body };
    if (typeof id !== 'string' && typeof id !== 'number') {
      throw refusal('invalid_id', 'The id of a request is a text or a number.');
    }
    return { kind: 'request', id, method, params, body };
  }
  if (method !== undefined || !('result' in value || 'error' in value)) {
    throw refusal('not_json_rpc', 'The body is neither a request, nor a notification, nor a response.', idOf(id));
  }
  return { kind: 'response', id: idOf(id), method: '', params: {}, body };
}

function parsed(bytes: Buffer): ParsedBody {
  try {
    return parseBody(bytes);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    throw new McpError(400, RPC.parseError, error.code, `Parse error: ${error.message}`, null, { cause: error });
  }
}

function refusal(code: string, message: string, id: JsonRpcId = null): McpError {
  return new McpError(400, RPC.invalidRequest, code, message, id);
}

function idOf(id: JsonValue | undefined): JsonRpcId {
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a server sent, or null for what is no JSON-RPC message. */
export function serverMessage(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    // Passed on as it is: its reader is the client.
    return null;
  }
}

export function isResponse(message: JsonObject): boolean {
  return message['method'] === undefined && ('result' in message || 'error' in message);
}

/** Whether this is the response to the request of this id. */
export function answers(message: JsonObject, id: JsonRpcId): boolean {
  return message['id'] === id && isResponse(message);
}
