import type { FastifyReply, FastifyRequest } from 'fastify';
import { isInternal, problemOf, type ProblemTranslator } from './problem-of.js';
import { anthropicError, jsonRpcError, openAiError, problemDetails, type Problem } from './problem.js';

/** The shape of errors on a route: ours, or that of the protocol that the route, or with `asked` the request, speaks. */
export type ErrorShape = 'problem' | 'openai' | 'anthropic' | 'jsonrpc' | 'asked';

declare module 'fastify' {
  interface FastifyContextConfig {
    errorShape?: ErrorShape;
  }
}

const SHAPES = { openai: openAiError, anthropic: anthropicError, jsonrpc: jsonRpcError } as const;

/** Writes errors as answers: problem details, or the provider's shape on the provider's routes. */
export class ProblemReplies {
  readonly #translators: readonly ProblemTranslator[];

  constructor(translators: readonly ProblemTranslator[] = []) {
    this.#translators = translators;
  }

  /** Answers with what `error` means to the caller, and logs what only we may know. */
  fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const what = ofRoute(problemOf(error, this.#translators), error, request);
    if (isInternal(what)) request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    // An outage is logged where it is noticed, once; a line for each of its requests would bury it.
    else if (what.status >= 500) request.log.debug({ err: error, route: request.routeOptions.url }, 'request refused');
    this.send(what, request, reply);
  }

  /** Does not wait: a reply is a promise of the client having read it, which may never come true. */
  send(what: Problem, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    if (reply.raw.headersSent) {
      // Half an answer is out: cutting the connection is the only honest way to say that it is not whole.
      reply.raw.destroy();
      return;
    }
    for (const [name, value] of Object.entries(what.headers ?? {})) reply.header(name, value);
    reply.header('cache-control', 'no-store').code(what.status);
    const shape = shapeOf(request);
    if (shape !== 'problem') {
      reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(SHAPES[shape](what)));
      return;
    }
    const details = problemDetails(what, pathOf(request));
    // An SDK that was pointed at a route or method that does not exist reads `error.message`.
    const forSdk = what.code === 'unknown_route' || (what.code === 'method_not_allowed' && isOfV1(request));
    const body = forSdk ? { ...details, ...openAiError(what) } : details;
    reply.header('content-type', 'application/problem+json; charset=utf-8').send(JSON.stringify(body));
  }
}

/** Anthropic's clients name the version of their protocol in every request. */
function shapeOf({ routeOptions, headers }: FastifyRequest): Exclude<ErrorShape, 'asked'> {
  const { errorShape = 'problem' } = routeOptions.config ?? {};
  if (errorShape !== 'asked') return errorShape;
  return headers['anthropic-version'] === undefined ? 'openai' : 'anthropic';
}

/** Fastify refuses a body that it has no parser for, and knows nothing of those that this route reads itself. */
function ofRoute(what: Problem, error: unknown, { routeOptions }: FastifyRequest): Problem {
  const types = routeOptions.config?.streams;
  const unparsed = error instanceof Error && Reflect.get(error, 'code') === 'FST_ERR_CTP_INVALID_MEDIA_TYPE';
  return types === undefined || !unparsed ? what : { ...what, detail: `Send the body as ${types.join(' or ')}.` };
}

/** The paths under which SDKs of providers look for theirs; a 405 has no route whose shape could be asked. */
function isOfV1(request: FastifyRequest): boolean {
  return pathOf(request).startsWith('/v1/');
}

/** The path without its query, which may carry what must not be repeated. */
export function pathOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '/';
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}
