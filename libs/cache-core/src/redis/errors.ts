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
  /** The server answers but does not run the script: out of memory, a failed save, too few replicas, no permission. */
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

/** The connection settings cannot work; the process should stop and say so. */
export class RedisConfigurationError extends Error {
  override readonly name = 'RedisConfigurationError';
  readonly code = 'redis_configuration';
}
