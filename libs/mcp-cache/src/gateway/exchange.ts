import type { IncomingHttpHeaders } from 'node:http';
import type { McpCaller } from '../caching/scopes.js';

export interface GatewayCaller extends McpCaller {
  /** The name that the key carries: whose permissions hold. */
  readonly client: string;
  readonly segmento: string | null;
}

export interface McpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly caller: GatewayCaller;
  /** Aborted when the client has left. */
  readonly left: AbortSignal;
}

export interface McpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | AsyncIterable<Buffer>;
}

const SESSION = 'mcp-session-id';
/** What a client says to the server, and not to us. Credentials never are: the server gets the operator's. */
const PASSED_ON = new Set(['accept', 'content-type', 'last-event-id', 'traceparent', 'tracestate', 'baggage']);
const PASSED_BACK = new Set(['content-type', 'allow', 'retry-after', 'x-accel-buffering']);

export function upstreamHeaders(headers: IncomingHttpHeaders, upstreamId: string | null): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === SESSION) continue;
    if (PASSED_ON.has(name) || name.startsWith('mcp-')) passed[name] = String(value);
  }
  return upstreamId === null ? passed : { ...passed, [SESSION]: upstreamId };
}

/** @param session the client's name of it */
export function clientHeaders(
  headers: Readonly<Record<string, string>>,
  session: string | undefined,
): Record<string, string> {
  const passed: Record<string, string> = { 'cache-control': 'no-cache, no-transform' };
  for (const [name, value] of Object.entries(headers)) {
    if (PASSED_BACK.has(name) || (name.startsWith('mcp-') && name !== SESSION)) passed[name] = value;
  }
  return session === undefined ? passed : { ...passed, [SESSION]: session };
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** What the key knows already: the session by whom results are shared with, the others because they repeat the body. */
const KNOWN = new Set([SESSION, 'mcp-protocol-version', 'mcp-method', 'mcp-name']);

/** Headers of the protocol that a server gets beside the body, such as parameters of a tool: they belong to what is asked. */
export function parameterHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('mcp-') && !KNOWN.has(name) && value !== undefined ? [[name, String(value)]] : [],
    ),
  );
}
