/** What exactly is asked, of whom, and for whom: the name under which an answer is kept. */
import { DEFAULT_TENANT, requestIdentity, type ParsedBody } from '@promptsales/cache-core';
import type { Protocol } from '../protocol/protocol.js';
import type { CachePolicy } from './policy.js';

/** Part of every identity. Raised whenever what we keep under one could no longer be served to it. */
const VERSION = 1;

export interface IdentityParts {
  readonly protocol: Protocol;
  readonly body: ParsedBody;
  /** Those that are forwarded; see `forwardedHeaders`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  readonly namespace: string;
  readonly share: CachePolicy['share'];
  readonly tenant: string;
  readonly keyId: string;
}

export interface AnswerIdentity {
  /** Lower-case hex. */
  readonly hash: string;
  /** To whom the entry belongs. */
  readonly tenant: string;
}

export function identify(parts: IdentityParts): AnswerIdentity {
  const { share, protocol } = parts;
  // An answer that all share belongs to nobody's tenant; the scope keeps it apart from that tenant's own.
  const tenant = share === 'all' ? DEFAULT_TENANT : parts.tenant;
  const hash = requestIdentity({
    version: VERSION,
    tenant,
    scope: scopeOf(share, parts.keyId),
    namespace: parts.namespace,
    upstream: parts.baseUrl,
    operation: protocol.id,
    headers: parts.headers,
    body: parts.body,
    omit: protocol.omittedFromIdentity,
  });
  return { hash, tenant };
}

/** Between whom an answer is shared, as a part of names. */
export function scopeOf(share: CachePolicy['share'], keyId: string): string {
  return share === 'key' ? `key ${keyId}` : share;
}
