import { isNativeError } from 'node:util/types';
import { DatabaseUnavailableError, type UnavailableReason } from '../errors.js';

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  // A Unix socket whose server is not there.
  'ENOENT',
]);

/** What the driver says without a code when its connection is no more. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed|Connection ended)/;

/** SQLSTATEs of a server that is going, or not yet there. */
const LEAVING = /^(08|57P0[1-5])/;
/** Its own limit of connections or memory. */
const EXHAUSTED = /^53/;
const CANCELED = '57014';

/**
 * A driver's error as one of ours where it means that the database could not be asked; null where the database answered, and
 * the answer was an error of the statement.
 */
export function unavailability(error: unknown): DatabaseUnavailableError | null {
  if (error instanceof DatabaseUnavailableError) return error;
  const reason = reasonOf(error);
  return reason === null ? null : new DatabaseUnavailableError(reason, { cause: withoutClient(error) });
}

function reasonOf(error: unknown): UnavailableReason | null {
  // Not `instanceof`: Node's own errors may be of another realm.
  if (!isNativeError(error)) return null;
  const code = codeOf(error);
  if (code === CANCELED) return 'deadline';
  if (EXHAUSTED.test(code)) return 'pool_exhausted';
  if (SOCKET_CODES.has(code) || LEAVING.test(code) || DRIVER_MESSAGES.test(error.message)) return 'connection_lost';
  return null;
}

export function codeOf(error: unknown): string {
  return isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** One line that says what went wrong, fit for a log. An AggregateError of a host with two addresses has no message. */
export function summary(error: unknown): string {
  if (!isNativeError(error)) return 'an unknown error';
  const code = codeOf(error);
  if (error.message === '') return code === '' ? error.name : code;
  return code === '' || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}

/** The pool hangs its client, with everything that it was configured with, on some errors. */
function withoutClient(error: unknown): unknown {
  if (isNativeError(error) && 'client' in error) delete error.client;
  return error;
}
