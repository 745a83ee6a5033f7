/**
 * `/proxy/{service}/*`: plain Fastify handlers in a context of their own, which take and send bodies as the bytes that they are.
 */
import { METHODS } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PrivateAddressError, ProblemError, takesItsTime, type ProblemCode } from '@promptsales/http-edge';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CallError } from '../call-error.js';
import { outcomeOf, type Outcome } from '../proxy/cache-status.js';
import type { CallCache } from '../proxy/call-cache.js';
import type { CallReply } from '../proxy/call.js';
import { Fields } from '../rules/fields.js';
import type { ServiceSource } from '../services/service.js';
import { problemOf } from './problems.js';

export interface ProxyRoutesParts {
  readonly calls: Pick<CallCache, 'answer'>;
  readonly services: ServiceSource;
  /** A caller who takes nothing of his answer for so long is hung up on. @default two minutes */
  readonly callerTimeoutMs?: number;
  /** Called for requests that have passed the application's access rules. */
  readonly callerOf: (request: FastifyRequest) => { readonly tenant: string };
  /** Told of answers that broke off on the way, of which the caller has seen the beginning. */
  readonly brokeOff?: (error: unknown) => void;
  /** Told of each answer, by its `x-cache`. */
  readonly answered?: (outcome: Outcome) => void;
  /** Told of each request that gets a problem of ours in place of an answer. */
  readonly refused?: (why: Refusal) => void;
}

/** The problem's code; `private_address` where the service's host leads inside; `other`: no problem that has a code. */
export type Refusal = ProblemCode | 'private_address' | 'other';

/** A tunnel is no call, and an echo of credentials is nobody's wish. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);
export const PROXIED_METHODS = METHODS.filter((method) => !REFUSED_METHODS.has(method));

export const PROXY_PATTERNS = ['/proxy/:service', '/proxy/:service/*'] as const;

interface ServiceParameter {
  readonly Params: { readonly service: string };
}

/** Called inside an encapsulated context. */
export function registerProxyRoutes(context: FastifyInstance, parts: ProxyRoutesParts): void {
  for (const method of PROXIED_METHODS) {
    if (!context.supportedMethods.includes(method)) context.addHttpMethod(method, { hasBody: true });
  }
  context.removeAllContentTypeParsers();
  context.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  for (const url of PROXY_PATTERNS) {
    context.route<ServiceParameter>({
      method: [...PROXIED_METHODS],
      url,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        try {
          return await answer(parts, request, reply);
        } catch (error) {
          parts.refused?.(refusalOf(error));
          throw error;
        }
      },
    });
  }
}

async function answer(
  { calls, services, callerOf, callerTimeoutMs = 120_000, brokeOff, answered: observed }: ProxyRoutesParts,
  request: FastifyRequest<ServiceParameter>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { tenant } = callerOf(request);
  const service = services.find(request.params.service);
  if (service === null) throw new ProblemError('not_found', 'There is no service of this name.');
  const left = departure(reply);
  const { raw } = request;
  if (hasBody(request)) {
    takesItsTime(raw);
    // How long the service takes is not the caller's silence.
    raw.once('end', () => raw.socket.setTimeout(0));
  }
  let answered: CallReply;
  try {
    answered = await calls.answer({
      tenant,
      service,
      method: raw.method ?? 'GET',
      rest: restOf(raw.url ?? '/'),
      fields: Fields.ofRaw(raw.rawHeaders),
      body: hasBody(request) ? raw : null,
      keyInAuthorization: raw.headers['x-api-key'] === undefined,
      left,
      informed: (status, fields) => inform(reply, status, fields, brokeOff),
    });
  } catch (error) {
    if (left.aborted) return reply.hijack();
    throw problemOf(error);
  }
  const outcome = outcomeOf(answered.fields);
  if (outcome !== null) observed?.(outcome);
  reply.hijack();
  const { body } = answered;
  if (body !== null && !Buffer.isBuffer(body)) {
    // Whoever reads it may be waiting for a piece that never comes, and would hear of it only then.
    left.addEventListener('abort', () => void body.return(), { once: true });
  }
  await send(answered, request, reply, callerTimeoutMs).catch((error: unknown) => {
    reply.raw.destroy();
    if (!left.aborted) brokeOff?.(error);
  });
  return reply;
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ProblemError)) return 'other';
  const { cause } = error;
  return cause instanceof CallError && cause.cause instanceof PrivateAddressError ? 'private_address' : error.code;
}

async function send(
  { status, reason, fields: said, body, trailers }: CallReply,
  request: FastifyRequest,
  reply: FastifyReply,
  patienceMs: number,
): Promise<void> {
  const { raw } = reply;
  if (raw.destroyed) {
    if (body !== null && !Buffer.isBuffer(body)) await body.return();
    return;
  }
  const chunked = body !== null && !Buffer.isBuffer(body) && !said.has('content-length') && hasChunks(request);
  // Trailers stand behind chunks only, and Node takes no announcement of them where there are none.
  const fields = chunked ? said : said.without((name) => name === 'trailer');
  const own: string[] = ['X-Request-Id', request.id];
  // Who says nothing of caches speaks to the one who asks: so no cache between him and us keeps it.
  if (!fields.has('cache-control') && !fields.has('expires') && !fields.has('pragma'))
    own.push('Cache-Control', 'no-store');
  raw.sendDate = false;
  try {
    raw.writeHead(status, reason, [...fields.raw(), ...own]);
  } catch (error) {
    // The service's turn ends with its body.
    if (body !== null && !Buffer.isBuffer(body)) await body.return();
    throw error;
  }
  if (body === null || Buffer.isBuffer(body)) {
    raw.end(body ?? undefined);
    // All is there: from now on only he is silent. Node takes it back when he has it.
    if (raw.writableLength > 0) raw.socket?.setTimeout(patienceMs);
    return;
  }
  const taken = withTrailers(takenWithin(patienceMs, body, raw), raw, fields, trailers);
  try {
    await pipeline(Readable.from(taken, { objectMode: false }), raw);
  } catch (error) {
    // A caller who is gone before the first read leaves a generator behind that has not begun, and ends nothing.
    await body.return();
    throw error;
  }
}

async function* takenWithin(
  patienceMs: number,
  body: AsyncIterable<Buffer>,
  raw: FastifyReply['raw'],
): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    const timer = setTimeout(() => raw.destroy(), patienceMs);
    try {
      yield chunk;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function* withTrailers(
  body: AsyncIterable<Buffer>,
  raw: FastifyReply['raw'],
  fields: Fields,
  trailers: CallReply['trailers'],
): AsyncGenerator<Buffer> {
  yield* body;
  if (trailers === undefined || !fields.has('trailer')) return;
  const { lines } = Fields.ofRaw(trailers());
  if (lines.length > 0) raw.addTrailers(lines.map(([name, value]): [string, string] => [name, value]));
}

/** What comes before the answer. 100 is Node's own affair. */
function inform({ raw }: FastifyReply, status: number, fields: Fields, brokeOff: ProxyRoutesParts['brokeOff']): void {
  const link = fields.all('link');
  if (status !== 103 || link.length === 0 || raw.headersSent) return;
  try {
    raw.writeEarlyHints({ link: [...link] });
  } catch (error) {
    // Node sends links of a narrow form only. A hint less is no loss; thrown out of an event, it would end the process.
    brokeOff?.(error);
  }
}

function departure({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  const leave = (): void => {
    if (!raw.writableFinished) left.abort(new Error('The caller has left.'));
  };
  if (raw.destroyed) leave();
  else raw.once('close', leave);
  return left.signal;
}

/** Of `/proxy/{service}…`, what stands behind the name, as it came. */
function restOf(url: string): string {
  const rest = /^\/proxy\/[^/?]*(.*)$/s.exec(url)?.[1];
  // `GET http://host/proxy/…` is routed here too: of which host, nobody has asked us.
  if (rest === undefined) throw new ProblemError('bad_url', 'The request line names a path, not a whole URL.');
  return rest;
}

/** RFC 9112 §6.1: who speaks HTTP/1.0 knows no chunks. */
function hasChunks({ raw }: FastifyRequest): boolean {
  return raw.httpVersion !== '1.0';
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
