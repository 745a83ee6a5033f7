import type { FastifyInstance } from 'fastify';
import { ProblemError } from '../problem-details/problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types whose body the route reads itself, as a stream and without a limit on its length. */
    streams?: readonly string[];
  }
}

const STREAMED_TYPES = ['text/csv', 'application/x-ndjson'] as const;

/** Bodies that are read while they arrive, by the routes that say so; anywhere else their types are 415 as before. */
export function acceptStreams(instance: FastifyInstance): void {
  for (const type of STREAMED_TYPES) {
    instance.addContentTypeParser(type, (request, payload, done) => {
      if (request.routeOptions.config.streams?.includes(type) === true) done(null, payload);
      else done(new ProblemError('unsupported_media_type', 'Send the body as application/json.'));
    });
  }
}
