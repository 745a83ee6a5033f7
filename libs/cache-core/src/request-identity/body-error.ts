/**
 * Why a request's body was refused. The message never quotes the body, which may hold what must not reach a log.
 *
 * - `body_not_utf8`: bytes that are no UTF-8; `position` is the offset of the first wrong byte
 * - `body_not_json`: UTF-8, but no JSON; `position` is where, in UTF-16 units, it stops being JSON
 * - `body_too_deep`: more than `DEEPEST_NESTING` objects and arrays inside each other
 */
export type BodyErrorCode = 'body_not_utf8' | 'body_not_json' | 'body_too_deep';

export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly code: BodyErrorCode;
  readonly position: number;

  constructor(code: BodyErrorCode, message: string, position: number) {
    super(message);
    this.code = code;
    this.position = position;
  }
}
