import type { Verdict } from '../limit.js';

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10) for each limit whose state is known, and
 * `Retry-After` of a denial. `t` is when there is more than `r`: of a limit that denies, the time to come again.
 */
export function rateLimitFields(verdict: Verdict): Readonly<Record<string, string>> {
  const { states } = verdict;
  if (states.length === 0) return {};
  return {
    'ratelimit-policy': states
      .map(({ name, most, windowMs }) => `"${name}";q=${most};w=${seconds(windowMs)}`)
      .join(', '),
    ratelimit: states
      .map(({ name, remaining, resetMs }) => `"${name}";r=${remaining};t=${seconds(resetMs)}`)
      .join(', '),
    ...(verdict.allowed ? {} : { 'retry-after': String(retryAfterSeconds(verdict.retryAfterMs)) }),
  };
}

/** Never sooner than it would be of use. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, seconds(retryAfterMs));
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
