import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ProblemError } from '../problem-details/problem.js';
import { SERVER_LIMITS } from './server-limits.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types whose body the route reads itself, as a stream and without a limit on its length. */
    streams?: readonly string[];
  }
}

const STREAMED_TYPES = ['text/csv', 'application/x-ndjson'] as const;
const STREAMING = new WeakSet<Socket>();

/**
 * Bodies that are read while they arrive, by the routes that say so; anywhere else their types are 415 as before. Such a
 * request may take as long as it needs, and none of it may be silent for as long as another may take as a whole.
 */
export function acceptStreams(instance: FastifyInstance): void {
  for (const type of STREAMED_TYPES) {
    instance.addContentTypeParser(type, ({ raw, routeOptions }, payload, done) => {
      const { streams = ['application/json'] } = routeOptions.config;
      if (!streams.includes(type)) {
        done(new ProblemError('unsupported_media_type', `Send the body as ${streams.join(' or ')}.`));
        return;
      }
      takesItsTime(raw);
      done(null, payload);
    });
  }
}

/** The body of this request may take as long as it needs, as long as none of it is silent for too long. */
export function takesItsTime(request: IncomingMessage): void {
  const { socket } = request;
  STREAMING.add(socket);
  request.once('close', () => STREAMING.delete(socket));
  socket.setTimeout(SERVER_LIMITS.requestMs);
}

/** Whether a body is arriving on this connection that may take as long as it needs. */
export function isStreaming(socket: Socket): boolean {
  return STREAMING.has(socket);
}
