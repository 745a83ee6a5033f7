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
];
