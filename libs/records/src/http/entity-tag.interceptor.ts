import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { BusinessRecord } from '../record/business-record.js';
import { entityTag, matchesWeakly, precondition, type Precondition } from '../record/entity-tag.js';

/** Names the state of the record that is answered, and answers 304 to a reader who has that state. */
@Injectable()
export class EntityTagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const known = request.method === 'GET' ? preconditionOf(request, 'if-none-match') : undefined;
    return next.handle().pipe(
      map((answer) => {
        if (!isRecord(answer)) return answer;
        const tag = entityTag(answer);
        reply.header('etag', tag);
        if (known === undefined || !matchesWeakly(known, tag)) return answer;
        reply.status(304);
        return undefined;
      }),
    );
  }
}

/** @throws BadRequestException `bad_header` */
export function preconditionOf(
  { headers }: FastifyRequest,
  name: 'if-match' | 'if-none-match',
): Precondition | undefined {
  const read = precondition(headers[name]);
  if (read === null) {
    throw new BadRequestException({ code: 'bad_header', detail: `${name}: takes * or entity tags such as "1-k0zq8".` });
  }
  return read;
}

function isRecord(answer: unknown): answer is BusinessRecord {
  return typeof answer === 'object' && answer !== null && 'version' in answer && 'created_at' in answer;
}
