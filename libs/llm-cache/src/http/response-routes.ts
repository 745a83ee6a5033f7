/** What OpenAI's SDKs do with a response that the provider keeps: read it, its input, cancel and delete it. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ClientLeftError } from '../gateway/gateway-reply.js';
import type { MadeResponses } from '../made-responses/made-responses.js';
import { RESPONSES } from '../protocol/responses/responses.js';
import type { UpstreamRequest } from '../upstream/upstream-client.js';
import { attributionOf, type CallerOf } from './caller.js';
import type { PassThrough } from './pass-through.js';

export interface ResponseRoutesParts {
  readonly responses: MadeResponses;
  readonly passing: PassThrough;
  readonly callerOf: CallerOf;
}

interface ResponseRoute {
  readonly method: UpstreamRequest['method'];
  /** Behind the id. */
  readonly below: '' | '/cancel' | '/input_items';
}

const ROUTES: readonly ResponseRoute[] = [
  { method: 'GET', below: '' },
  { method: 'DELETE', below: '' },
  { method: 'POST', below: '/cancel' },
  { method: 'GET', below: '/input_items' },
];

/** What OpenAI documents; nothing else of a query is passed on. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'include',
  'include[]',
  'include_obfuscation',
  'starting_after',
  'stream',
  'after',
  'before',
  'limit',
  'order',
]);

export function registerResponseRoutes(context: FastifyInstance, parts: ResponseRoutesParts): void {
  for (const route of ROUTES) {
    context.route<{ Params: { response_id: string } }>({
      method: route.method,
      url: `/v1/responses/:response_id${route.below}`,
      handler: (request, reply) => pass(parts, route, request, reply),
    });
  }
}

async function pass(
  { responses, passing, callerOf }: ResponseRoutesParts,
  { method, below }: ResponseRoute,
  request: FastifyRequest<{ Params: { response_id: string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const left = new AbortController();
  reply.raw.once('close', () => left.abort(new ClientLeftError()));
  const { response_id: id } = request.params;
  const target = await responses.keeperOf(id, attributionOf(callerOf(request)), left.signal);
  const { status, headers, body } = await passing.send({
    protocol: RESPONSES,
    target,
    method,
    path: `${RESPONSES.upstreamPath}/${encodeURIComponent(id)}${below}${searchOf(request.url)}`,
    headers: request.headers,
    left: left.signal,
  });
  return reply
    .code(status)
    .headers(headers)
    .send(Buffer.isBuffer(body) ? body : Readable.from(body, { objectMode: false }));
}

function searchOf(url: string): string {
  const { searchParams } = new URL(url, 'http://localhost');
  const passed = new URLSearchParams([...searchParams].filter(([name]) => PARAMETERS.has(name)));
  return passed.size === 0 ? '' : `?${passed.toString()}`;
}
