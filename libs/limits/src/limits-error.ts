/** Redis cannot be asked, and a limit that is not to be overrun by then says no to everything. No sign of anybody's excess. */
export class LimitsUnavailableError extends Error {
  override readonly name = 'LimitsUnavailableError';
  readonly code = 'limits_unavailable';

  constructor(
    readonly limit: string,
    options: { readonly cause: unknown },
  ) {
    super(`The limit ${limit} cannot be checked while Redis is away. Try again in a few seconds.`, options);
  }
}
