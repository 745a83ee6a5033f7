/** What a response says about where it came from: `x-cache`, `Cache-Status` (RFC 9211) and `Age`. */
import type { Hit } from '../cache/judgement.js';

export type CacheOutcome = 'HIT' | 'MISS' | 'COALESCED' | 'STALE' | 'BYPASS' | 'REFRESH';

export type ResponseHeaders = Readonly<Record<string, string>>;

const CACHE = 'promptsales';

const FORWARDED: Readonly<Record<Exclude<CacheOutcome, 'HIT' | 'STALE'>, string>> = {
  MISS: 'fwd=miss',
  COALESCED: 'fwd=miss; collapsed; detail=coalesced',
  BYPASS: 'fwd=bypass; detail=bypass',
  REFRESH: 'fwd=request',
};

/** `stored` only where it is known when the headers leave, which a stream's is not. */
export function forwardedCacheHeaders(outcome: keyof typeof FORWARDED, stored: boolean): ResponseHeaders {
  return { 'x-cache': outcome, 'cache-status': `${CACHE}; ${FORWARDED[outcome]}${stored ? '; stored' : ''}` };
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

/** Absent where another system wrote the value: its age is unknown. */
function ageHeader(hit: Hit<unknown>): ResponseHeaders {
  return hit.storedAtMs === null ? {} : { age: String(Math.floor(ageMsOf(hit) / 1000)) };
}

/** 0 where it is unknown. */
export function ageMsOf({ storedAtMs, readAtMs }: Hit<unknown>): number {
  return storedAtMs === null ? 0 : Math.max(0, readAtMs - storedAtMs);
}
