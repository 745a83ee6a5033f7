/** Why the database could not be asked. */
export type UnavailableReason =
  /** It is known to be gone; nothing was sent. */
  | 'disconnected'
  /** No answer within the deadline. What was sent may still take effect. */
  | 'deadline'
  /** Every connection was busy until the deadline; nothing was sent. */
  | 'pool_exhausted'
  /** The connection broke. What was sent may have taken effect. */
  | 'connection_lost';

const WHAT_HAPPENED: Readonly<Record<UnavailableReason, string>> = {
  disconnected: 'PostgreSQL is not reachable at the moment',
  deadline: 'PostgreSQL did not answer in time',
  pool_exhausted: 'every connection to PostgreSQL was busy',
  connection_lost: 'the connection to PostgreSQL was lost',
};

/** The database cannot be asked at the moment. Answer 503 with `Retry-After`; repeat only what may happen twice. */
export class DatabaseUnavailableError extends Error {
  readonly code = 'database_unavailable';
  readonly reason: UnavailableReason;
  readonly retryAfterSeconds: number;

  constructor(reason: UnavailableReason, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    const retryAfterSeconds = options.retryAfterSeconds ?? 1;
    super(
      `${WHAT_HAPPENED[reason]}; try again in ${retryAfterSeconds} s`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'DatabaseUnavailableError';
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** True when nothing can have reached the server, so that a repetition is safe whatever the statement was. */
  get nothingSent(): boolean {
    return this.reason === 'disconnected' || this.reason === 'pool_exhausted';
  }
}

/** PostgreSQL could not be used at start; the process has nothing to fall back on. */
export class DatabaseStartError extends Error {
  readonly code = 'database_start_failed';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'DatabaseStartError';
  }
}

/** The schema could not be brought to what this version of the code needs. */
export class MigrationError extends Error {
  readonly code: 'migration_failed' | 'migration_invalid' | 'database_newer' | 'migration_locked';
  readonly migration: string | null;

  constructor(code: MigrationError['code'], message: string, options: { migration?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MigrationError';
    this.code = code;
    this.migration = options.migration ?? null;
  }
}
