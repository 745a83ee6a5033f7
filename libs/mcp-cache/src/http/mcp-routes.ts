/**
 * `/mcp/{server}` as plain Fastify routes in a context of their own, without Nest's pipeline: a body is taken as bytes and
 * passed on as it came, and streams of events go through as they come.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayCaller, McpReply } from '../gateway/exchange.js';
import type { McpGateway } from '../gateway/gateway.js';
import { mcpErrorOf } from '../gateway/failures.js';
import { errorBody } from '../json-rpc/message.js';
import { refuseForeignPage } from './foreign-page.js';

export interface McpRoutesParts {
  readonly gateway: Pick<McpGateway, 'handle'>;
  /** Called for requests that have passed the application's access rules. */
  readonly callerOf: (request: FastifyRequest) => GatewayCaller & { readonly anonymous: boolean };
  readonly bodyLimitBytes: number;
  /** Told of every error that is answered in place of the server, by its code. */
  readonly refused: (code: string) => void;
  /** Told of every failure that is not the client's doing. */
  readonly failed: (error: unknown) => void;
}

const NO_BODY = Buffer.alloc(0);

/** Called inside an encapsulated context. */
export function registerMcpRoutes(context: FastifyInstance, parts: McpRoutesParts): void {
  context.removeAllContentTypeParsers();
  // Of any type: what the server does not take, it says itself.
  context.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: parts.bodyLimitBytes }, (_request, body, done) => {
    done(null, body);
  });
  context.route<{ Params: { server: string } }>({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp/:server',
    bodyLimit: parts.bodyLimitBytes,
    handler: (request, reply) => answer(parts, request, reply),
  });
}

async function answer(
  { gateway, callerOf, refused, failed }: McpRoutesParts,
  request: FastifyRequest<{ Params: { server: string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const left = new AbortController();
  if (reply.raw.destroyed) left.abort();
  else reply.raw.once('close', () => left.abort());
  try {
    const caller = callerOf(request);
    if (caller.anonymous) refuseForeignPage(request);
    const { status, headers, body } = await gateway.handle(request.params.server, {
      method: request.method as 'GET' | 'POST' | 'DELETE',
      headers: request.headers,
      body: (request.body as Buffer | undefined) ?? NO_BODY,
      caller,
      left: left.signal,
    });
    return await reply.code(status).headers(headers).send(sendable(body, reply));
  } catch (error) {
    // Nobody is left to be told, and nothing has failed.
    if (left.signal.aborted) return reply.hijack();
    const told = mcpErrorOf(error);
    refused(told?.code ?? 'internal_error');
    if (told === null) throw error;
    if (told.httpStatus >= 500) failed(error);
    const headers = { ...told.headers, 'content-type': 'application/json' };
    return reply.code(told.httpStatus).headers(headers).send(errorBody(told, told.id));
  }
}

/** Headers leave at once: a client takes a stream for open when it has them. */
function sendable(body: McpReply['body'], reply: FastifyReply): Buffer | Readable {
  if (Buffer.isBuffer(body)) return body;
  const stream = Readable.from(body, { objectMode: false });
  if (String(reply.getHeader('content-type')).startsWith('text/event-stream')) {
    setImmediate(() => {
      if (!reply.raw.destroyed && !reply.raw.writableEnded) reply.raw.flushHeaders();
    });
  }
  return stream;
}
