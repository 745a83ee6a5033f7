/**
 * What a call has shown about the service, as the user of the breaker says.
 * - `success`: it works
 * - `failure`: it does not
 * - `neutral`: it answered, and the answer says nothing about whether it works (the caller's own mistake, a limit)
 * - `unknown`: nothing was learned (the caller left)
 */
export type CallOutcome = 'success' | 'failure' | 'neutral' | 'unknown';

/** What the status of an HTTP answer shows. Errors below HTTP (no connection, no answer in time) are failures. */
export function outcomeOfStatus(status: number): CallOutcome {
  // 501: it works, and does not know this. 408, 429 and other 4xx are about this caller.
  if (status >= 500 && status !== 501) return 'failure';
  return status >= 400 ? 'neutral' : 'success';
}

/** `Retry-After` in milliseconds, from seconds or an HTTP date; null where there is none that can be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = /^[A-Za-z]{3},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
