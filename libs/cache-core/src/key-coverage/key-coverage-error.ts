/** A loader read input that its key does not depend on: two different inputs would share one entry (trap 7). */
export class KeyCoverageError extends Error {
  readonly code = 'key_coverage';

  /**
   * @param what the method, route or family whose key is too small
   * @param path what was read, such as `input.locale` or `argument 2`
   */
  constructor(
    readonly what: string,
    readonly path: string,
  ) {
    super(
      `${what} reads ${path}, which its key does not cover: two inputs that differ there would share one cached value. ` +
        'Put it into the key, or name it in `ignores` when the value does not depend on it.',
    );
    this.name = 'KeyCoverageError';
  }
}
