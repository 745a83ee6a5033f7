import type { FreshnessOptions } from '../../cache/freshness.js';

export interface CachedCallOptions<A extends unknown[], R> extends FreshnessOptions {
  /** `{service}` in the key. The entry has the tag `service:NAME`, by which all calls of the service are invalidated. */
  readonly service: string;
  /** `{method}` in the key: the operation, such as `generateImage`. */
  readonly method: string;
  /**
   * What the answer depends on, as plain JSON; by default every argument. For arguments that are none (a Date) or make no
   * difference (an AbortSignal, a trace).
   */
  readonly params?: (...args: A) => unknown;
  /** Whose answer it is; by default the tenant `default`. */
  readonly tenant?: (...args: A) => string;
  /** Within whom of the tenant it is shared, where the service answers by who asks: a user, an account, a credential's name. */
  readonly scope?: (...args: A) => string;
  /** Besides `service:NAME`, to be invalidated by. */
  readonly tags?: (...args: A) => readonly string[];
  /** By default `TTL_API_CALL`: an hour. */
  readonly ttlSeconds?: number;
  /** Parts of the arguments that `params` leaves out on purpose, for the key-coverage guard: `1`, `0.requestId`. */
  readonly ignores?: readonly string[];
  /**
   * Whether an answer may be stored; by default each one. What a client throws is never stored; for clients that return
   * their failures: `({ isError }) => isError !== true`.
   */
  readonly keeps?: (answer: R) => boolean;
}
