import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a caller's own id may look like: nothing that could break a log line, a header or a URL. */
const SANE_REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}$/;

/** The caller's `x-request-id` when it is sane, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : newRequestId(Date.now());
}

let moment = -1;
let prefix = '';

/**
 * A UUID of version 7 (RFC 9562 §5.7): it says when the request came, so that what was written of it is found without an index
 * of its own. Node makes random ids many at a time, and the time is written once a millisecond: it costs next to nothing.
 */
function newRequestId(now: number): string {
  if (now !== moment) {
    const time = now.toString(16).padStart(12, '0');
    moment = now;
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  return prefix + randomUUID().slice(15);
}
