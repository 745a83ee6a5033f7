/**
 * Only a request that is as its protocol version wants it is answered from the cache. Whatever is not is the server's to
 * judge: through the gateway it is told the same as without.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { continues, type CacheableMethod } from '../caching/cacheable.js';
import { isObject, type ClientMessage, type JsonObject } from '../json-rpc/message.js';
import type { Session } from '../session/session-seal.js';
import { headerOf } from './exchange.js';

const SESSION_VERSIONS: ReadonlySet<string> = new Set(['2025-06-18', '2025-11-25']);
const STATELESS_VERSION = '2026-07-28';
const META = 'io.modelcontextprotocol/';

/** What a request that can be answered from the cache says of its client. */
export interface Terms {
  readonly protocolVersion: string;
  readonly capabilities: JsonObject | null;
}

/** Null: pass it on. The capabilities of a client with a session are those of its session. */
export function termsOf(
  { id, params, method }: ClientMessage,
  { named }: CacheableMethod,
  headers: IncomingHttpHeaders,
  session: Session | null,
): Terms | null {
  const version = headerOf(headers, 'mcp-protocol-version');
  if (version === undefined || !takesBothForms(headers) || continues(params)) return null;
  // What it begins is its caller's own.
  if ('task' in params) return null;
  // Only its server can say it as it was written.
  if (typeof id === 'number' && Math.abs(id) > Number.MAX_SAFE_INTEGER) return null;
  if (named !== null && typeof params[named] !== 'string') return null;
  if (session !== null) {
    const known = SESSION_VERSIONS.has(version) && version === session.protocolVersion;
    return known && method !== 'server/discover' ? { protocolVersion: version, capabilities: null } : null;
  }
  if (version !== STATELESS_VERSION) return null;
  if (headerOf(headers, 'mcp-method') !== method) return null;
  if (named !== null && headerOf(headers, 'mcp-name') !== params[named]) return null;
  const meta = params['_meta'];
  if (!isObject(meta) || meta[`${META}protocolVersion`] !== version || !isObject(meta[`${META}clientInfo`]))
    return null;
  const capabilities = meta[`${META}clientCapabilities`];
  return isObject(capabilities) ? { protocolVersion: version, capabilities } : null;
}

function takesBothForms(headers: IncomingHttpHeaders): boolean {
  const accept = headers.accept ?? '';
  const type = headers['content-type'] ?? '';
  return (
    accept.includes('application/json') && accept.includes('text/event-stream') && /^application\/json\b/i.test(type)
  );
}
