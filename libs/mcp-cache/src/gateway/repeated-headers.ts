/**
 * Headers that repeat what the body says (revision 2026-07-28), so that whoever stands between may go by them. A server over HTTP
 * refuses a request of which the two disagree; a process sees no headers, so for its requests that is done here, with the
 * same error. What is there is compared under every revision; what has to be there only under the one that wants it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isObject, McpError, RPC, type ClientMessage } from '../json-rpc/message.js';
import { headerOf } from './exchange.js';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const FIRST_WITH_HEADERS = '2026-07-28';
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);
const BASE64 = /^=\?base64\?((?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?)\?=$/;

/** @throws McpError */
export function checkRepeatedHeaders(message: ClientMessage, headers: IncomingHttpHeaders): void {
  const { kind, method, params, id } = message;
  if (kind === 'response') return;
  const meta = isObject(params['_meta']) ? params['_meta'] : {};
  const version = meta[VERSION];
  const wanted = kind === 'request' && typeof version === 'string' && version >= FIRST_WITH_HEADERS;
  const compare = (name: string, said: unknown, read: (value: string) => string | null = asIs): void => {
    if (typeof said !== 'string') return;
    const value = headerOf(headers, name);
    if (value === undefined && !wanted) return;
    if (value === undefined || read(value) !== said) throw mismatch(name, value ?? '(missing)', said, id);
  };
  compare('mcp-protocol-version', version);
  compare('mcp-method', method);
  const named = NAMED_BY.get(method);
  if (named !== undefined) compare('mcp-name', params[named], decoded);
}

function mismatch(name: string, value: string, body: string, id: ClientMessage['id']): McpError {
  const message = `Bad Request: the request headers and body disagree: ${name} is not ${JSON.stringify(body)}.`;
  const details = { mismatch: { header: value, body } };
  return new McpError(400, RPC.headerMismatch, 'header_mismatch', message, id, { details });
}

function asIs(value: string): string {
  return value;
}

/** Null: it says that it is coded, and is not. */
function decoded(value: string): string | null {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value;
  const coded = BASE64.exec(value)?.[1];
  if (coded === undefined) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(coded, 'base64'));
  } catch {
    // Bytes that are no UTF-8: nothing that a body could say.
    return null;
  }
}
