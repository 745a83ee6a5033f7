import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { problem, problemDetails, type Problem } from '../problem-details/problem.js';
import { isStreaming } from './streamed-body.js';

/**
 * What never became a request (broken framing, too many headers, a client that dawdles) is answered on the bare socket.
 * The connection is closed: what follows on it cannot be told apart from what was meant to be inside the broken request,
 * which is how requests are smuggled. Its id is a new one: the caller's was never read.
 */
export function answerBrokenRequest(error: Error, socket: Socket, log: Pick<Logger, 'debug'>): void {
  const code: unknown = Reflect.get(error, 'code');
  if (code === 'ECONNRESET' || socket.destroyed) return;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && isStreaming(socket)) return;
  if (socket.writable) {
    const id = randomUUID();
    const what = problemOfParserError(code);
    log.debug({ request_id: id, parser: code, status: what.status }, 'answered what was not a request');
    socket.write(rawAnswer(what, id));
  }
  socket.destroy();
}

function problemOfParserError(code: unknown): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem('request_timeout', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return problem('headers_too_large', 'The headers are over the limit.');
  if (code === 'HPE_INVALID_URL') return problem('bad_url', 'In a URL, anything but ASCII is percent-encoded.');
  return problem('bad_request', 'This is not a well-formed HTTP request.');
}

function rawAnswer(what: Problem, id: string): string {
  const body = JSON.stringify(problemDetails(what, ''));
  return [
    `HTTP/1.1 ${what.status} ${what.title}`,
    `x-request-id: ${id}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
