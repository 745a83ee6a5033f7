/** The breaker is open: the service was not asked. Code and service are stable; a later try may be let through. */
export class BreakerOpenError extends Error {
  override readonly name = 'BreakerOpenError';
  readonly code = 'breaker_open';
  readonly retryAfterSeconds: number;

  constructor(
    readonly service: string,
    retryAfterMs: number,
  ) {
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
    super(`${service} has failed too often and is not asked at the moment; try again in ${seconds} s`);
    this.retryAfterSeconds = seconds;
  }
}
