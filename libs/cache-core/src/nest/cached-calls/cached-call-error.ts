/**
 * What a cached call cannot work with. Nothing is stored.
 *
 * - `argument_not_json`: two calls could not be told apart by what JSON says of the argument. The method has not run.
 * - `answer_not_json`: those who find the answer in the cache would get another one than he who had it loaded.
 */
export type CachedCallErrorCode = 'argument_not_json' | 'answer_not_json';

export class CachedCallError extends Error {
  override readonly name = 'CachedCallError';

  /**
   * @param call `service.method`
   * @param path what it is about, such as `argument 0.since`; no value is quoted
   */
  constructor(
    readonly code: CachedCallErrorCode,
    readonly call: string,
    readonly path: string,
    why: string,
  ) {
    super(`${call}: ${path} ${why}. ${WHAT_TO_DO[code]}`);
  }
}

const WHAT_TO_DO: Readonly<Record<CachedCallErrorCode, string>> = {
  argument_not_json: 'Pass it as plain JSON, or say in `params` what of the arguments the answer depends on.',
  answer_not_json: 'Return plain JSON from the method, such as the body of the response.',
};
