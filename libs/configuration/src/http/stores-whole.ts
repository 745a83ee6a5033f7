import { applyDecorators, type Type } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPreconditionFailedResponse,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';

type Answer = { readonly type: Type } | { readonly schema: NonNullable<Schema> };
type Schema = Extract<NonNullable<Parameters<typeof ApiOkResponse>[0]>, { schema: unknown }>['schema'];

/** What a route that stores something in place of what was there says of itself. */
export function StoresWhole(summary: string, answer: Answer): MethodDecorator {
  return applyDecorators(
    ApiOperation({
      summary,
      description: 'A member that is left out is removed. `If-Match` and `If-None-Match: *` are honoured.',
    }),
    ApiOkResponse({ ...answer, description: 'It was replaced' }),
    ApiCreatedResponse({ ...answer, description: 'It is new' }),
    ApiPreconditionFailedResponse({
      description: 'It is not in the state that `If-Match` or `If-None-Match` supposes',
    }),
  );
}

/** Beside that, where there are secrets, and another type of configuration may have the name. */
export function StoresConfiguration(summary: string, answer: Answer): MethodDecorator {
  return applyDecorators(
    StoresWhole(summary, answer),
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
