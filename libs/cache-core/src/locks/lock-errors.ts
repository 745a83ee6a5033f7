/** Somebody else holds the lock, and did so until the wait was over. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly code = 'lock_held';

  constructor(
    readonly key: string,
    /** When it is free at the latest, unless its holder extends it; null: it does not expire by itself. */
    readonly retryAfterMs: number | null,
  ) {
    super(`the lock ${key} is held; try again later`);
  }
}

/**
 * The lock was this holder's and is so no longer, or cannot be known to be. The reason of `HeldLock.signal`: stop, and write
 * nothing more. Somebody else may hold it already.
 */
export class LockLostError extends Error {
  override readonly name = 'LockLostError';
  readonly code = 'lock_lost';

  constructor(
    readonly key: string,
    /** `expired`: it could not be prolonged in time. `taken`: Redis says that it is not ours. */
    readonly how: 'expired' | 'taken',
  ) {
    super(`the lock ${key} was lost while it was in use (${how}); what was done since is not protected`);
  }
}

/**
 * Redis cannot say whether the lock is free. Nothing is held: an attempt whose outcome is unknown is taken back, or runs out
 * with its time to live.
 */
export class LockUnavailableError extends Error {
  override readonly name = 'LockUnavailableError';
  readonly code = 'lock_unavailable';

  constructor(
    readonly key: string,
    options: { readonly cause: unknown },
  ) {
    super(`the lock ${key} cannot be taken or changed while Redis is unavailable; try again later`, options);
  }
}
