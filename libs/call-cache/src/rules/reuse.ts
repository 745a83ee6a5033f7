/** Whether what is stored may answer a request: RFC 9111 §4 and §5.2.1, RFC 5861. */
import { Directives } from './directives.js';
import type { Fields } from './fields.js';

/** What a request asks of a cache. */
export interface RequestTerms {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeSeconds: number | null;
  readonly minFreshSeconds: number | null;
  readonly maxStaleSeconds: number | null;
  readonly staleIfErrorSeconds: number | null;
  readonly staleWhileRevalidateSeconds: number | null;
}

export function requestTermsOf(fields: Fields): RequestTerms {
  const says = Directives.ofRequest(fields);
  const none = says.size === 0;
  return {
    // §5.4: deprecated, and heeded where nothing newer is said.
    noCache: says.has('no-cache') || (none && fields.tokens('pragma').includes('no-cache')),
    noStore: says.has('no-store'),
    onlyIfCached: says.has('only-if-cached'),
    maxAgeSeconds: says.seconds('max-age'),
    minFreshSeconds: says.seconds('min-fresh'),
    maxStaleSeconds: says.secondsOr('max-stale', Number.POSITIVE_INFINITY),
    staleIfErrorSeconds: says.seconds('stale-if-error'),
    staleWhileRevalidateSeconds: says.seconds('stale-while-revalidate'),
  };
}

/** What is known of a stored response at the time of a request. */
export interface Kept {
  readonly fields: Fields;
  readonly lifetimeSeconds: number;
  /** Its lifetime is the operator's word: what the response says against its reuse does not count. */
  readonly overridden: boolean;
  readonly ageSeconds: number;
}

/**
 * - `fresh`: as it is
 * - `stale`: as it is, though past its lifetime: the request says that this will do
 * - `revalidating`: as it is, while it is asked for anew behind the caller
 * - `validate`: only after the origin has said that it still holds
 */
export type Reuse = 'fresh' | 'stale' | 'revalidating' | 'validate';

export function reuseOf(kept: Kept, asked: RequestTerms): Reuse {
  const says = Directives.of(kept.fields);
  const { ageSeconds, lifetimeSeconds } = kept;
  if (asked.noCache || (!kept.overridden && says.whole('no-cache'))) return 'validate';
  if (asked.maxAgeSeconds !== null && ageSeconds > asked.maxAgeSeconds) return 'validate';
  const leftSeconds = lifetimeSeconds - ageSeconds;
  if (leftSeconds > (asked.minFreshSeconds ?? 0)) return 'fresh';
  if (leftSeconds > 0 || forbidsStale(kept, says)) return 'validate';
  const staleSeconds = -leftSeconds;
  if (asked.maxStaleSeconds !== null && staleSeconds <= asked.maxStaleSeconds) return 'stale';
  const window = says.seconds('stale-while-revalidate') ?? asked.staleWhileRevalidateSeconds ?? 0;
  return staleSeconds < Math.min(window, asked.staleWhileRevalidateSeconds ?? window) ? 'revalidating' : 'validate';
}

/** RFC 5861 §4, and §4.2.4 of RFC 9111 for an origin that cannot be reached. @param serviceSeconds where nobody says more */
export function mayServeOnError(kept: Kept, asked: RequestTerms, serviceSeconds: number): boolean {
  const says = Directives.of(kept.fields);
  if (asked.noCache || forbidsStale(kept, says) || (!kept.overridden && says.whole('no-cache'))) return false;
  const said = asked.staleIfErrorSeconds ?? says.seconds('stale-if-error') ?? serviceSeconds;
  return kept.ageSeconds - kept.lifetimeSeconds <= said;
}

/** §4.2.4, §5.2.2.2, §5.2.2.8, §5.2.2.10 */
function forbidsStale({ overridden }: Kept, says: Directives): boolean {
  if (overridden) return false;
  return says.has('must-revalidate') || says.has('proxy-revalidate') || says.has('s-maxage');
}
