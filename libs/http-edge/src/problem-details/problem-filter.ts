import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProblemReplies } from './problem-reply.js';

/** What a controller throws, answered like every other error. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #replies: ProblemReplies;

  constructor(replies: ProblemReplies) {
    this.#replies = replies;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.#replies.fail(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}
