import type { FastifyInstance } from 'fastify';
import { ProblemError } from '../problem-details/problem.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's JSON text as it was sent, for routes to which more matters than its value; null where there is none. */
    bodyText: string | null;
  }
}

/** Nothing real comes near it, and far beyond it whoever reads a value level by level runs out of stack. */
const DEEPEST_NESTING = 512;
const JSON_TYPES = ['application/json', /^application\/[\w.+-]+\+json(?:;|$)/i] as const;

/**
 * JSON is the one kind of body that a route takes unless it registers a parser of its own; anything else is 415. Bytes that
 * are not UTF-8 are refused rather than replaced: a replacement character would change what the caller said.
 */
export function acceptJsonOnly(instance: FastifyInstance): void {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  // `__proto__` and `constructor.prototype` in a body are refused: nobody sends them by accident.
  const parse = instance.getDefaultJsonParser('error', 'error');
  instance.decorateRequest('bodyText', null);
  instance.removeAllContentTypeParsers();
  for (const type of JSON_TYPES) {
    instance.addContentTypeParser(type, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      if (body.length === 0) {
        // Some clients name the type on a DELETE without a body. A route that wants a body says so itself.
        done(null, undefined);
        return;
      }
      let text: string;
      try {
        text = utf8.decode(body);
      } catch (error) {
        done(new ProblemError('invalid_utf8', 'The body has bytes that are not UTF-8.', { cause: error }));
        return;
      }
      request.bodyText = text;
      void parse(request, text, (error, value) => {
        if (error !== null && error !== undefined) done(refusalOf(text, error));
        else if (nestsTooDeep(value)) done(tooDeep());
        else done(null, value);
      });
    });
  }
}

/** By levels, so that it needs no more stack for one of them than for thousands. */
function nestsTooDeep(value: unknown): boolean {
  let level = [value].filter(isComposed);
  for (let depth = 0; depth < DEEPEST_NESTING && level.length > 0; depth += 1) {
    level = level.flatMap((one) => Object.values(one).filter(isComposed));
  }
  return level.length > 0;
}

function isComposed(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function tooDeep(): ProblemError {
  return new ProblemError('body_too_deep', `The body nests deeper than ${DEEPEST_NESTING} levels.`);
}

/** The parser throws the same for both. Text that is JSON by itself was refused for a name in it. */
function refusalOf(text: string, cause: Error): ProblemError {
  try {
    JSON.parse(text);
  } catch {
    return new ProblemError('malformed_json', 'The body is not valid JSON.', { cause });
  }
  const why =
    'An object in the body has a member called __proto__, or constructor with prototype in it: such names are refused.';
  return new ProblemError('forbidden_member', why, { cause });
}
