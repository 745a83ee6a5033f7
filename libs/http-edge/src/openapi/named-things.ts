/** What the routes of things that are stored whole, each under its name, say of themselves in the OpenAPI document. */
import { applyDecorators, HttpCode, type Type } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import { pageSchema } from './page-schema.js';

type Schema = NonNullable<Extract<NonNullable<Parameters<typeof ApiOkResponse>[0]>, { schema: unknown }>['schema']>;
/** What a route answers, as a class or as a schema. */
export type Answered = { readonly type: Type } | { readonly schema: Schema };

const NONE = { description: 'There is none of this name' };

/** A page of them: `{"policies": [one, …], "next_cursor": …}`. */
export function ListsByName(summary: string, plural: string, one: Schema, description?: string): MethodDecorator {
  return applyDecorators(says(summary, description), ApiOkResponse({ schema: pageSchema(plural, one) }));
}

export function ShowsOne(
  summary: string,
  answer: Answered & { readonly description?: string },
  description?: string,
): MethodDecorator {
  return applyDecorators(says(summary, description), ApiOkResponse({ ...answer }), ApiNotFoundResponse(NONE));
}

/** In place of what was there. */
export function StoresWhole(summary: string, answer: Answered, description?: string): MethodDecorator {
  return applyDecorators(
    says(summary, description),
    ApiOkResponse({ ...answer, description: 'It was replaced' }),
    ApiCreatedResponse({ ...answer, description: 'It is new' }),
  );
}

export function RemovesOne(summary: string): MethodDecorator {
  return applyDecorators(HttpCode(204), says(summary), ApiNoContentResponse(), ApiNotFoundResponse(NONE));
}

function says(summary: string, description?: string): MethodDecorator {
  return ApiOperation(description === undefined ? { summary } : { summary, description });
}
