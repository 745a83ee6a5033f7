import { HttpException } from '@nestjs/common';
import { codeOfStatus, PROBLEM_CODES, type ProblemCode } from './problem-codes.js';
import { problem, ProblemError, type FieldError, type Problem } from './problem.js';

/** Recognises an error class of a library; answers undefined for any other. */
export type ProblemTranslator = (error: unknown) => Problem | undefined;

const FASTIFY_CODES: ReadonlyMap<string, readonly [ProblemCode, string]> = new Map<
  string,
  readonly [ProblemCode, string]
>([
  ['FST_ERR_BAD_URL', ['bad_url', 'The path has a percent-escape that is not valid UTF-8.']],
  ['FST_ERR_MAX_PARAM_LENGTH', ['uri_too_long', 'A segment of the path is too long.']],
  ['FST_ERR_CTP_BODY_TOO_LARGE', ['body_too_large', 'The body is over the limit of this route.']],
  [
    'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
    ['bad_request', 'The body does not have the length that Content-Length says.'],
  ],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', ['unsupported_media_type', 'Send the body as application/json.']],
  ['FST_ERR_CTP_INVALID_JSON_BODY', ['malformed_json', 'The body is not valid JSON.']],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', ['malformed_json', 'The body is empty although the content type is JSON.']],
  ['FST_ERR_HANDLER_TIMEOUT', ['service_unavailable', 'The request took too long and was given up.']],
]);

/**
 * Any error as a problem. What was not written for the caller is `internal_error`, and its text stays in the log:
 * only `ProblemError`, Nest's HTTP exceptions below 500 and what a translator vouches for speak for themselves.
 */
export function problemOf(error: unknown, translators: readonly ProblemTranslator[] = []): Problem {
  if (error instanceof ProblemError) return error;
  for (const translate of translators) {
    const translated = translate(error);
    if (translated !== undefined) return translated;
  }
  if (error instanceof HttpException) return ofHttpException(error);
  const fastifyCode = stringMember(error, 'code');
  const known = fastifyCode === undefined ? undefined : FASTIFY_CODES.get(fastifyCode);
  if (known !== undefined) return problem(known[0], known[1]);
  if (fastifyCode?.startsWith('FST_') === true) {
    const status = numberMember(error, 'statusCode');
    if (status !== undefined && status >= 400 && status < 500) {
      const code = codeOfStatus(status);
      return problem(code, `${PROBLEM_CODES[code].title}.`);
    }
  }
  return (
    ofForeignError(error) ?? problem('internal_error', 'The request failed for a reason of ours. It has been logged.')
  );
}

/** True when the problem is of our making: it is logged with its stack. */
export function isInternal(what: Problem): boolean {
  return what.status >= 500 && what.code === 'internal_error';
}

function ofHttpException(error: HttpException): Problem {
  const status = error.getStatus();
  const code = codeOfStatus(status);
  if (status >= 500 && code === 'internal_error') {
    return problem('internal_error', 'The request failed for a reason of ours. It has been logged.');
  }
  const response = error.getResponse();
  const own = typeof response === 'object' && response !== null ? response : {};
  const ownCode = stringMember(own, 'code');
  const errors = fieldErrors(own);
  return {
    ...problem(code, detailOf(response, error.message)),
    status,
    ...(ownCode === undefined ? {} : { code: ownCode, title: titleOf(ownCode) ?? PROBLEM_CODES[code].title }),
    ...(errors === undefined ? {} : { errors }),
  };
}

function titleOf(code: string): string | undefined {
  return Object.hasOwn(PROBLEM_CODES, code) ? PROBLEM_CODES[code as ProblemCode].title : undefined;
}

/** A library's own error that says which client error it is: `httpStatus` (4xx) with a stable `code`. */
function ofForeignError(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const status = numberMember(error, 'httpStatus');
  const code = stringMember(error, 'code');
  if (status === undefined || code === undefined || status < 400 || status > 499) return undefined;
  const errors = fieldErrors(error);
  return {
    code,
    status,
    title: titleOf(code) ?? PROBLEM_CODES[codeOfStatus(status)].title,
    detail: error.message,
    ...(errors === undefined ? {} : { errors }),
  };
}

function detailOf(response: string | object, fallback: string): string {
  if (typeof response === 'string') return response;
  const detail = stringMember(response, 'detail') ?? stringMember(response, 'message');
  return detail ?? fallback;
}

function fieldErrors(source: object): readonly FieldError[] | undefined {
  const errors: unknown = Reflect.get(source, 'errors');
  if (!Array.isArray(errors)) return undefined;
  const fields = errors.flatMap((entry: unknown): FieldError[] => {
    const path = stringMember(entry, 'path');
    const message = stringMember(entry, 'message');
    return path === undefined || message === undefined ? [] : [{ path, message }];
  });
  return fields.length > 0 ? fields : undefined;
}

function member(source: unknown, name: string): unknown {
  return typeof source === 'object' && source !== null ? Reflect.get(source, name) : undefined;
}

function stringMember(source: unknown, name: string): string | undefined {
  const value = member(source, name);
  return typeof value === 'string' ? value : undefined;
}

function numberMember(source: unknown, name: string): number | undefined {
  const value = member(source, name);
  return typeof value === 'number' ? value : undefined;
}
