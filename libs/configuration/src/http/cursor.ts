import { ConfigurationError } from '../configuration-error.js';

/** Opaque to callers: the name after which the next page begins. */
export function cursorAfter(name: string): string {
  return Buffer.from(`1:${name}`).toString('base64url');
}

/** @throws ConfigurationError `validation_failed` */
export function nameInCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (text.startsWith('1:') && !text.includes('\0')) return text.slice(2);
  const message = 'is not a cursor of this list; leave it out to begin anew';
  throw new ConfigurationError('validation_failed', `cursor: ${message}`, [{ path: 'cursor', message }]);
}
