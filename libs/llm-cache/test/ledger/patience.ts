/** For tests that are not about a slow PostgreSQL: on a busy machine it is waited for, and nothing goes on without it. */
const LONG_MS = 60_000;

export const PATIENT_DATABASE = {
  acquireTimeoutMs: LONG_MS,
  queryTimeoutMs: LONG_MS,
  statementTimeoutMs: LONG_MS,
  suspectAfterMs: LONG_MS,
  probeTimeoutMs: LONG_MS,
};
export const PATIENT_LEDGER = { beginDeadlineMs: LONG_MS, shutdownDeadlineMs: LONG_MS };
