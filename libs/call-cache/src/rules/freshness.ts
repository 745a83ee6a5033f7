/** How long a response is fresh and how old it is: RFC 9111 §4.2. */
import { Directives, isTargeted } from './directives.js';
import type { Fields } from './fields.js';
import { httpDate } from './http-date.js';
import { mayBeHeuristic } from './statuses.js';

/** What a service says about the lifetime of its answers. */
export interface LifetimeTerms {
  /** Of a 200 that says nothing of it. 0: none. */
  readonly ttlSeconds: number;
  /** The answer's own word does not count. */
  readonly override: boolean;
}

export type LifetimeSource = 'explicit' | 'override' | 'service' | 'heuristic' | 'none';

export interface Lifetime {
  readonly seconds: number;
  readonly source: LifetimeSource;
}

const MOST_HEURISTIC_SECONDS = 86_400;
const HEURISTIC_SHARE = 0.1;

/** §4.2.1: `s-maxage`, `max-age`, `Expires`, in this order; then what the service says; then a guess (§4.2.2). */
export function lifetimeOf(status: number, fields: Fields, terms: LifetimeTerms, receivedAtMs: number): Lifetime {
  if (terms.override) return { seconds: terms.ttlSeconds, source: 'override' };
  const directives = Directives.of(fields);
  const explicit = explicitLifetime(directives, fields, receivedAtMs);
  if (explicit !== null) return { seconds: explicit, source: 'explicit' };
  if (status === 200 && terms.ttlSeconds > 0) return { seconds: terms.ttlSeconds, source: 'service' };
  const guessed = mayBeHeuristic(status) || directives.has('public') ? heuristic(fields, receivedAtMs) : null;
  return guessed === null ? { seconds: 0, source: 'none' } : { seconds: guessed, source: 'heuristic' };
}

export function hasExplicitLifetime(fields: Fields, receivedAtMs: number): boolean {
  return explicitLifetime(Directives.of(fields), fields, receivedAtMs) !== null;
}

function explicitLifetime(directives: Directives, fields: Fields, receivedAtMs: number): number | null {
  const said = directives.seconds('s-maxage') ?? directives.seconds('max-age');
  if (said !== null) return said;
  const expires = fields.all('expires');
  if (expires.length === 0 || isTargeted(fields)) return null;
  // §5.3: what is no date, "0" above all, lies in the past; so does one of two that differ.
  const until = new Set(expires).size === 1 ? httpDate(expires[0] as string, receivedAtMs) : null;
  if (until === null) return 0;
  return Math.max(0, (until - dateOf(fields, receivedAtMs)) / 1000);
}

function heuristic(fields: Fields, receivedAtMs: number): number | null {
  const modified = httpDate(fields.joined('last-modified'), receivedAtMs);
  if (modified === null) return null;
  const unchangedForMs = dateOf(fields, receivedAtMs) - modified;
  return Math.min(Math.max(0, (unchangedForMs * HEURISTIC_SHARE) / 1000), MOST_HEURISTIC_SECONDS);
}

/** When it was made, as it says itself; else when it came. */
function dateOf(fields: Fields, receivedAtMs: number): number {
  return httpDate(fields.joined('date'), receivedAtMs) ?? receivedAtMs;
}

export interface Exchanged {
  readonly requestedAtMs: number;
  readonly receivedAtMs: number;
}

/**
 * §4.2.3, `corrected_initial_age`: how old it was when it came. Infinite where it says so in a way that cannot be read (not
 * one whole number): then nothing is known of its age.
 */
export function initialAgeMs(fields: Fields, { requestedAtMs, receivedAtMs }: Exchanged): number {
  const lines = fields.all('age');
  const said = lines[0] ?? '0';
  if (lines.length > 1 || !/^\d+$/.test(said)) return Number.POSITIVE_INFINITY;
  const apparentMs = Math.max(0, receivedAtMs - dateOf(fields, receivedAtMs));
  const correctedMs = Number(said) * 1000 + (receivedAtMs - requestedAtMs);
  return Math.max(apparentMs, correctedMs);
}
