/**
 * The ledger cannot take another intent: PostgreSQL does not answer and the spool is full. The upstream must not be called;
 * the client gets 503 with `Retry-After`. Hits are served as before.
 */
export class LedgerUnavailable extends Error {
  readonly code = 'ledger_unavailable';
  readonly retryAfterSeconds: number;

  constructor(spooledLines: number, retryAfterSeconds: number, cause?: unknown) {
    super(
      `The ledger holds ${spooledLines} lines that PostgreSQL has not taken, its bound: no further upstream call is made ` +
        `until it answers again. Check the database; the lines are written by themselves once it is back.`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'LedgerUnavailable';
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
