/**
 * The provider-compatible routes: plain Fastify handlers in a context of their own, without Nest's pipeline, because on
 * a hit that would cost more than the cache. A body is taken as bytes: it is hashed and forwarded as it came.
 */
import { isAscii } from 'node:buffer';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { EMBEDDINGS_ENDPOINT, ENDPOINTS, MESSAGES_ENDPOINT, type Endpoint } from '../gateway/endpoints.js';
import type { Gateway } from '../gateway/gateway.js';
import { ClientLeftError, type GatewayReply, type GatewayRequest } from '../gateway/gateway-reply.js';
import type { MadeResponses } from '../made-responses/made-responses.js';
import { MESSAGES } from '../protocol/messages/messages.js';
import { attributionOf, type CallerOf } from './caller.js';
import { endOfTurn } from './end-of-turn.js';
import { replyWithError } from './error-replies.js';
import type { LlmCacheObserver } from './llm-cache-observer.js';
import { type ModelList, protocolOfModels } from './model-list.js';
import type { PassThrough } from './pass-through.js';
import { registerResponseRoutes } from './response-routes.js';

export interface GatewayRoutesParts {
  readonly gateway: Pick<Gateway, 'answer'>;
  /** Items of a request on entries of their own. */
  readonly embeddings: Pick<Gateway, 'answer'>;
  readonly models: ModelList;
  readonly passing: PassThrough;
  /** Null where it is not known who had which response made. */
  readonly responses: MadeResponses | null;
  readonly callerOf: CallerOf;
  readonly observer: LlmCacheObserver;
  readonly bodyLimitBytes: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** `performance.now()` when the request had passed the application's own hooks. */
    arrivedAt: number;
  }
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i;
const NO_BODY = Buffer.alloc(0);

/** Called inside an encapsulated context. */
export function registerGatewayRoutes(context: FastifyInstance, parts: GatewayRoutesParts): void {
  const { models, passing, callerOf, observer, bodyLimitBytes } = parts;
  context.removeAllContentTypeParsers();
  context.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer', bodyLimit: bodyLimitBytes }, (_request, body, done) => {
    done(null, body);
  });
  context.decorateRequest('arrivedAt', 0);
  context.addHook('onRequest', (request, _reply, done) => {
    request.arrivedAt = performance.now();
    done();
  });
  // Here and not where it is sent: Fastify would add a charset to the content type of a string.
  context.addHook('onSend', (_request, _reply, payload, done) => {
    done(null, Buffer.isBuffer(payload) ? inOneWrite(payload) : payload);
  });
  context.setErrorHandler((error, request, reply) => {
    replyWithError(error, request, reply, observer);
  });
  const post = (endpoint: Endpoint, gateway: GatewayRoutesParts['gateway']): void => {
    const errorHandler: RouteOptions['errorHandler'] = (error, request, reply) => {
      replyWithError(error, request, reply, observer, endpoint.protocol);
    };
    const answering = { ...parts, gateway };
    context.post(endpoint.route, { bodyLimit: bodyLimitBytes, errorHandler }, (request, reply) =>
      answer(answering, asked(endpoint, request), request, reply),
    );
  };
  for (const endpoint of ENDPOINTS) post(endpoint, parts.gateway);
  post(EMBEDDINGS_ENDPOINT, parts.embeddings);
  const countTokensErrors: RouteOptions['errorHandler'] = (error, request, reply) => {
    replyWithError(error, request, reply, observer, MESSAGES);
  };
  context.post(
    '/v1/messages/count_tokens',
    { bodyLimit: bodyLimitBytes, errorHandler: countTokensErrors },
    async (request, reply) => {
      const left = new AbortController();
      departures(reply)(() => left.abort(new ClientLeftError()));
      const { protocol } = asked(MESSAGES_ENDPOINT, request);
      const { status, headers, body } = await passing.pass({
        protocol,
        path: protocol.upstreamPath.replace('/messages', '/messages/count_tokens'),
        bytes: (request.body as Buffer | undefined) ?? NO_BODY,
        headers: request.headers,
        caller: attributionOf(callerOf(request)),
        left: left.signal,
      });
      return reply.code(status).headers(headers).send(body);
    },
  );
  if (parts.responses !== null) registerResponseRoutes(context, { responses: parts.responses, passing, callerOf });
  const modelErrors: RouteOptions['errorHandler'] = (error, request, reply) => {
    replyWithError(error, request, reply, observer, protocolOfModels(request.headers));
  };
  for (const path of ['/v1/models', '/v1/models/:model']) {
    context.get<{ Params: { model?: string } }>(path, { errorHandler: modelErrors }, tellOfModels);
  }

  async function tellOfModels(
    request: FastifyRequest<{ Params: { model?: string } }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const left = new AbortController();
    departures(reply)(() => left.abort(new ClientLeftError()));
    const { headers, query, params } = request;
    const caller = attributionOf(callerOf(request));
    const told = await models.tell({ model: params.model ?? null, caller, headers, query, left: left.signal });
    return reply.code(told.status).headers(told.headers).send(told.body);
  }
}

function asked(endpoint: Endpoint, { query }: FastifyRequest): Endpoint {
  const protocol = endpoint.byQuery?.(query) ?? endpoint.protocol;
  return protocol === endpoint.protocol ? endpoint : { ...endpoint, protocol };
}

async function answer(
  { gateway, callerOf, observer }: GatewayRoutesParts,
  { protocol, route }: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = gateway.answer({
    protocol,
    route,
    bytes: (request.body as Buffer | undefined) ?? NO_BODY,
    headers: request.headers,
    caller: attributionOf(callerOf(request)),
    requestId: request.id,
    whenLeft: departures(reply),
  });
  if (!(found instanceof Promise)) await endOfTurn(performance.now());
  const answered = await found;
  const elapsedMs = performance.now() - request.arrivedAt;
  observer.answered?.(answered.outcome, Buffer.isBuffer(answered.body) ? formOf(answered) : 'stream', elapsedMs / 1000);
  return reply
    .code(answered.status)
    .headers(answered.headers)
    .header('server-timing', timing(answered, elapsedMs))
    .send(Buffer.isBuffer(answered.body) ? answered.body : Readable.from(answered.body, { objectMode: false }));
}

/** Node encodes what fits into so much, headers included, without allocating for it. */
const ONE_WRITE_BYTES = 12 * 1024;

/** The same bytes. A string leaves in one piece with the headers; a buffer is a second one, which costs 3 µs more. */
function inOneWrite(body: Buffer): Buffer | string {
  return body.length <= ONE_WRITE_BYTES && isAscii(body) ? body.toString('latin1') : body;
}

/** Tells of a client that has left, be it before anybody asked. */
function departures(reply: FastifyReply): GatewayRequest['whenLeft'] {
  return (listener) => {
    if (reply.raw.destroyed) listener();
    else reply.raw.once('close', listener);
  };
}

function formOf({ headers }: GatewayReply): 'json' | 'stream' {
  return headers['content-type']?.startsWith('text/event-stream') === true ? 'stream' : 'json';
}

/** `cache` is our own time; what the provider took stands beside it. */
function timing({ upstreamMs }: GatewayReply, elapsedMs: number): string {
  if (upstreamMs === null) return `cache;dur=${elapsedMs.toFixed(3)}`;
  return `cache;dur=${Math.max(0, elapsedMs - upstreamMs).toFixed(3)}, upstream;dur=${upstreamMs.toFixed(3)}`;
}
