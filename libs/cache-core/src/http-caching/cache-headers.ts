/** What a response says about where it came from: `x-cache`, `Cache-Status` (RFC 9211) and `Age`. */
import type { Hit } from '../cache/judgement.js';
import type { FillResult } from '../cache/observer.js';

export type CacheOutcome = 'HIT' | 'MISS' | 'COALESCED' | 'STALE' | 'BYPASS' | 'REFRESH' | 'SEMANTIC';

export type ResponseHeaders = Readonly<Record<string, string>>;

/** Why an answer was fetched, where `fwd` does not say it. */
export type ForwardReason = BypassReason | 'redis-unavailable';
export type BypassReason = 'no-store' | 'policy' | 'server-tools' | 'stateful';

export interface Forwarding {
  /** Only where it is known when the headers leave, which a stream's is not. */
  readonly stored?: boolean;
  readonly why?: ForwardReason | null;
}

const CACHE = 'promptsales';
/** A parameter of our own (RFC 9211, 2): the words that `detail` may have are a contract. */
const REASON = 'promptsales-reason';

const FORWARDED: Readonly<Record<Exclude<CacheOutcome, 'HIT' | 'STALE' | 'SEMANTIC'>, string>> = {
  MISS: 'fwd=miss',
  COALESCED: 'fwd=miss; collapsed; detail=coalesced',
  BYPASS: 'fwd=bypass; detail=bypass',
  REFRESH: 'fwd=request',
};

export function forwardedCacheHeaders(
  outcome: keyof typeof FORWARDED,
  { stored = false, why = null }: Forwarding = {},
): ResponseHeaders {
  const status = [CACHE, FORWARDED[outcome]];
  if (why !== null) status.push(`${REASON}=${why}`);
  if (stored) status.push('stored');
  return { 'x-cache': outcome, 'cache-status': status.join('; ') };
}

/** Of a value that this very request has loaded. */
export function forwardingOf(stored: FillResult | null): Forwarding {
  return { stored: stored === 'stored', why: stored === 'dropped' ? 'redis-unavailable' : null };
}

export function hitCacheHeaders(hit: Hit<unknown>): ResponseHeaders {
  const freshUntilMs = hit.freshUntilMs ?? hit.expiresAtMs;
  const ttl = freshUntilMs === null ? '' : `; ttl=${Math.floor((freshUntilMs - hit.readAtMs) / 1000)}`;
  return { 'x-cache': 'HIT', 'cache-status': `${CACHE}; hit${ttl}`, ...ageHeader(hit) };
}

/** `maxAgeSeconds`: what the caller calls fresh; the time to live is negative by as much as the answer is older. */
export function staleCacheHeaders(hit: Hit<unknown>, maxAgeSeconds: number): ResponseHeaders {
  const ttl = Math.floor(maxAgeSeconds - ageMsOf(hit) / 1000);
  return { 'x-cache': 'STALE', 'cache-status': `${CACHE}; hit; ttl=${ttl}; detail=stale`, ...ageHeader(hit) };
}

/** Of an answer that was given to another question. */
export function semanticCacheHeaders(hit: Hit<unknown>): ResponseHeaders {
  const own = hitCacheHeaders(hit);
  return { ...own, 'x-cache': 'SEMANTIC', 'cache-status': `${own['cache-status']}; detail=semantic` };
}

/** Absent where another system wrote the value: its age is unknown. */
function ageHeader(hit: Hit<unknown>): ResponseHeaders {
  return hit.storedAtMs === null ? {} : { age: String(Math.floor(ageMsOf(hit) / 1000)) };
}

/** 0 where it is unknown. */
export function ageMsOf({ storedAtMs, readAtMs }: Hit<unknown>): number {
  return storedAtMs === null ? 0 : Math.max(0, readAtMs - storedAtMs);
}
