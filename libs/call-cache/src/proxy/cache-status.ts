/** What an answer says about where it came from: `Cache-Status` (RFC 9211), `Age` and `x-cache`. */
import type { FieldLine, Fields } from '../rules/fields.js';

const CACHE = 'promptsales';

/** The words of `x-cache`. */
const OUTCOMES = ['HIT', 'STALE', 'COALESCED', 'MISS', 'REFRESH', 'BYPASS'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What an answer says of itself. A service may say the same of its own cache; ours is said last. */
export function outcomeOf(fields: Fields): Outcome | null {
  const said = fields.all('x-cache').at(-1);
  return OUTCOMES.find((outcome) => outcome === said) ?? null;
}

/** Why a request went on to the service (RFC 9211 §2.2). */
export type Forwarded = 'bypass' | 'method' | 'miss' | 'vary-miss' | 'request' | 'stale' | 'partial';

/** RFC 9111 §1.2.2: no number of seconds is larger. An age that nobody can tell is this one. */
const MOST_SECONDS = 2_147_483_648;

export function ageLine(ageMs: number): FieldLine {
  return ['Age', String(Math.min(Math.floor(ageMs / 1000), MOST_SECONDS))];
}

export function hitLines(ageMs: number, lifetimeSeconds: number, how: 'hit' | 'stale' | 'coalesced'): FieldLine[] {
  const ttl = Math.max(Math.floor(lifetimeSeconds - ageMs / 1000), -MOST_SECONDS);
  if (how === 'coalesced') {
    return [
      ageLine(ageMs),
      ['Cache-Status', `${CACHE}; fwd=miss; collapsed; detail=coalesced`],
      ['X-Cache', 'COALESCED'],
    ];
  }
  return [
    ageLine(ageMs),
    ['Cache-Status', `${CACHE}; hit; ttl=${ttl}${how === 'stale' ? '; detail=stale' : ''}`],
    ['X-Cache', how === 'stale' ? 'STALE' : 'HIT'],
  ];
}

/** Of a request that was neither answered from the cache nor sent on. */
export const RATE_LIMITED = `${CACHE}; detail=rate-limited`;

/** @param stored only where it is known when the header leaves */
export function forwardedLines(why: Forwarded, status: number, stored: boolean): FieldLine[] {
  const parts = [CACHE, `fwd=${why}`, `fwd-status=${status}`];
  if (stored) parts.push('stored');
  if (why === 'bypass' || why === 'method') parts.push('detail=bypass');
  const word = { bypass: 'BYPASS', method: 'BYPASS', request: 'REFRESH', stale: 'REFRESH' } as const;
  return [
    ['Cache-Status', parts.join('; ')],
    ['X-Cache', why in word ? word[why as keyof typeof word] : 'MISS'],
  ];
}
