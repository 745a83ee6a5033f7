/** Why Redis could not answer. Callers that have an origin go there; nobody turns these into a failed request. */
export type RedisTrouble =
  /** No usable connection: not reached yet, lost, or taken out of use after repeated time-outs. Nothing was sent. */
  | 'away'
  /** No reply within the deadline. Whether a read ran is unknown; a script refuses to run past its own deadline. */
  | 'timeout'
  /** The connection broke while the command was under way. */
  | 'lost'
  /** The script reached the server after its deadline, twice, and did nothing. */
  | 'expired'
  /**
   * The server answers and does not do what it was asked: out of memory, a failed save, too few replicas, no permission,
   * busy with somebody's script.
   */
  | 'refused';

/** Redis cannot be used for this operation right now. `code` is stable: `redis_<trouble>`. */
export class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError';
  readonly code: `redis_${RedisTrouble}`;

  constructor(
    readonly trouble: RedisTrouble,
    readonly link: string,
    options?: { cause?: unknown },
  ) {
    super(`Redis (${link}) is unavailable: ${trouble}`, options);
    this.code = `redis_${trouble}`;
  }
}

/** What a server answered instead of doing what no key and no value can be a reason against. */
export function refusal(error: unknown, link: string): RedisUnavailableError {
  return error instanceof RedisUnavailableError ? error : new RedisUnavailableError('refused', link, { cause: error });
}

/** The connection settings cannot work; the process should stop and say so. */
export class RedisConfigurationError extends Error {
  override readonly name = 'RedisConfigurationError';
  readonly code = 'redis_configuration';
}
