import {
  LoadsExhaustedError,
  LoadTimeoutError,
  LockHeldError,
  LockUnavailableError,
  RedisUnavailableError,
} from '@promptsales/cache-core';
import { DatabaseUnavailableError } from '@promptsales/database';
import { problem, type ProblemTranslator } from '@promptsales/http-edge';

/** Errors of libraries that mean something to a caller. What is not here and does not speak for itself is an internal error. */
export const knownProblems: readonly ProblemTranslator[] = [
  (error) =>
    error instanceof DatabaseUnavailableError
      ? problem(
          'database_unavailable',
          `This needs the database, which cannot be reached. Try again in ${error.retryAfterSeconds} s.`,
          {
            headers: { 'retry-after': String(error.retryAfterSeconds) },
          },
        )
      : undefined,
  (error) =>
    error instanceof LockHeldError
      ? problem('lock_held', 'Somebody else holds this lock.', { headers: { 'retry-after': retryAfter(error) } })
      : undefined,
  (error) =>
    error instanceof LockUnavailableError
      ? problem('redis_unavailable', 'This needs Redis, which cannot be reached. Try again in 1 s.', {
          headers: { 'retry-after': '1' },
        })
      : undefined,
  (error) =>
    error instanceof RedisUnavailableError
      ? problem('redis_unavailable', 'This needs Redis, which cannot be reached. Try again in 1 s.', {
          headers: { 'retry-after': '1' },
        })
      : undefined,
  (error) =>
    error instanceof LoadsExhaustedError || error instanceof LoadTimeoutError
      ? problem('service_unavailable', 'What this needs is being loaded too slowly just now. Try again in 1 s.', {
          headers: { 'retry-after': '1' },
        })
      : undefined,
];

/** A lock that does not end by itself may be released at any time. */
function retryAfter({ retryAfterMs }: LockHeldError): string {
  return String(Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000)));
}
