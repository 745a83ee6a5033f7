/** A load took longer than `hardTimeoutMs`: its signal was aborted, and nothing of it is stored. Ask again later. */
export class LoadTimeoutError extends Error {
  override readonly name = 'LoadTimeoutError';
  readonly code = 'load_timeout';

  constructor(
    readonly family: string,
    readonly afterMs: number,
  ) {
    super(`${family}: the value could not be loaded within ${afterMs} ms`);
  }
}

/** As many values of this family are being loaded as may be, and as many callers wait. Ask again later. */
export class LoadsExhaustedError extends Error {
  override readonly name = 'LoadsExhaustedError';
  readonly code = 'loads_exhausted';

  constructor(
    readonly family: string,
    readonly why: 'queue_full' | 'waited_too_long',
  ) {
    super(`${family}: too many values are being loaded at once (${why})`);
  }
}
