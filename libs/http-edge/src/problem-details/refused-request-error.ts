import type { FieldError } from './problem.js';

/**
 * Base of a library's errors about what a caller has asked for: nothing was done, and his own request is why. `ProblemFilter`
 * knows any error by `httpStatus` and `code`, so a library may have its own without this; it saves those with many codes the rest.
 */
export abstract class RefusedRequestError<Code extends string> extends Error {
  readonly code: Code;
  /** 400 to 499 */
  readonly httpStatus: number;
  readonly errors?: readonly FieldError[];

  constructor(code: Code, httpStatus: number, message: string, errors?: readonly FieldError[]) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
    if (errors !== undefined) this.errors = errors;
  }
}

/** All of them in one line, for where there is no room for a list. A fault without a path is of the whole. */
export function faultsText(faults: readonly FieldError[]): string {
  return faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}

/** In one line: the only fault, or how many there are. */
export function summaryOf(faults: readonly FieldError[]): string {
  const [first] = faults;
  if (first === undefined || faults.length > 1) return `${faults.length} members cannot be taken; see "errors".`;
  return `${first.path}: ${first.message}`;
}
