import { CacheControlError } from '@promptsales/cache-core';
import { ProblemError, type ProblemCode } from '@promptsales/http-edge';
import { CallError } from '../call-error.js';

const CODES: Readonly<Record<CallError['code'], ProblemCode>> = {
  not_found: 'not_found',
  bad_url: 'bad_url',
  not_implemented: 'not_implemented',
  request_timeout: 'request_timeout',
  bad_gateway: 'bad_gateway',
  gateway_timeout: 'gateway_timeout',
  service_unavailable: 'service_unavailable',
  too_many_requests: 'too_many_requests',
  only_if_cached: 'not_cached',
  shutting_down: 'shutting_down',
};

/** As a caller is told of it; what is not about his call stays what it is. */
export function problemOf(error: unknown): unknown {
  if (error instanceof CacheControlError) return new ProblemError('bad_header', error.message, { cause: error });
  if (!(error instanceof CallError)) return error;
  const { retryAfterSeconds, headers = {} } = error.options;
  return new ProblemError(CODES[error.code], error.message, {
    cause: error,
    headers: { ...headers, ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }) },
  });
}
