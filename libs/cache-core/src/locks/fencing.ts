/** The lock that a number is drawn for. */
export interface FencedLock {
  readonly tenant: string;
  /** The lock's key, without KEY_PREFIX. */
  readonly key: string;
}

/**
 * Where fencing numbers come from. A Redis lock may be lost without its holder noticing in time, so where what it protects
 * is durable, each holder draws a number and the protected resource refuses a number smaller than one it has seen.
 *
 * Each number is greater than all that were drawn for the lock before, also after Redis has lost everything: the source is
 * durable itself. The application gives one; this library has none.
 */
export interface FencingSource {
  /** Rejects when no number can be had; the lock is then given back. */
  next(lock: FencedLock): Promise<number>;
}
