import { applyDecorators } from '@nestjs/common';
import { ApiConflictResponse, ApiPreconditionFailedResponse, ApiUnprocessableEntityResponse } from '@nestjs/swagger';
import { StoresWhole, type Answered } from '@promptsales/http-edge';
import type { FastifyReply } from 'fastify';

export const TAGGED = '`ETag` names this state of it';

/** What a route that stores something in the state that its caller supposes says of itself. */
export function StoresConditionally(summary: string, answer: Answered): MethodDecorator {
  return applyDecorators(
    StoresWhole(
      summary,
      answer,
      'A member that is left out is removed. `If-Match` and `If-None-Match: *` are honoured.',
    ),
    ApiPreconditionFailedResponse({
      description: 'It is not in the state that `If-Match` or `If-None-Match` supposes',
    }),
  );
}

/** Beside that, where there are secrets, and another type of configuration may have the name. */
export function StoresConfiguration(summary: string, answer: Answered): MethodDecorator {
  return applyDecorators(
    StoresConditionally(summary, answer),
    ApiConflictResponse({ description: 'A configuration of the other type has this name' }),
    ApiUnprocessableEntityResponse({
      description: '`secret_mask`: a mask stands for no secret that is stored; `configuration_invalid`; with places',
    }),
  );
}

/** 201 for what is new, 200 for what was replaced, and the name of its state. */
export function answerStored(reply: FastifyReply, created: boolean, tag: string): void {
  reply.status(created ? 201 : 200).header('etag', tag);
}
