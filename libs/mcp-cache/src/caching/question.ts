/** What exactly is asked, of whom, and on whose behalf: two questions share a result if and only if all of it agrees. */
import { parseBody, requestIdentity, type CacheControls, type ParsedBody } from '@promptsales/cache-core';
import type { ClientMessage } from '../json-rpc/message.js';
import type { CachePermission, McpServer } from '../servers/mcp-server.js';
import type { CacheableMethod } from './cacheable.js';
import type { Scopes } from './scopes.js';

export interface Question {
  readonly server: McpServer;
  readonly scopes: Scopes;
  readonly method: CacheableMethod;
  readonly message: Pick<ClientMessage, 'method' | 'params' | 'body'>;
  readonly protocolVersion: string;
  /** Hash of what the client can do. */
  readonly capabilities: string;
  /** Headers that repeat or add to the parameters (`mcp-param-*`). */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the tool or prompt, where the operator has said something of it. */
  readonly permission: CachePermission | null;
  readonly controls: CacheControls;
  /** For which segment a tool is called; null for anything but a tool. */
  readonly segmento: string | null;
  /** What the server says of changes: that it tells of them, that there are none, or nothing. */
  readonly changes: 'told' | 'none' | 'unknown';
}

/** Of the recipe below: another one makes other keys. */
const VERSION = 'mcp 1';
/** What differs between two requests for the same. */
const OMITTED = [['jsonrpc'], ['id'], ['params', '_meta']] as const;

/** @param scope within whom the result is shared */
export function identityOf(question: Question, scope: string): string {
  const { server, message, protocolVersion, capabilities, headers, controls, scopes, segmento } = question;
  return requestIdentity({
    version: VERSION,
    tenant: scopes.tenant,
    scope,
    namespace: controls.namespace,
    upstream: server.identity,
    operation: message.method,
    headers: { ...headers, 'protocol-version': protocolVersion, capabilities, segmento: segmento ?? undefined },
    body: bodyOf(message),
    omit: OMITTED,
  });
}

/** A first page that is asked for without parameters, with none in them, or with nothing that counts is one question. */
function bodyOf({ method, params, body }: Question['message']): ParsedBody {
  return Object.keys(params).every((name) => name === '_meta') ? bodyOfPage(method, null) : body;
}

/** The body with which a page of a list is asked for. */
export function bodyOfPage(method: string, cursor: string | null): ParsedBody {
  return parseBody(Buffer.from(JSON.stringify({ method, ...(cursor === null ? {} : { params: { cursor } }) })));
}
