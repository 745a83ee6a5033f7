import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Bindings, ChildLoggerOptions, Logger } from 'pino';
import { requireAccess } from '../access/authentication.js';
import type { AccessTable } from '../access/access-rule.js';
import type { Authenticator, Principal } from '../access/principal.js';
import { RegisteredRoutes } from '../access/registered-routes.js';
import { RequestLogger } from '../logging/request-logger.js';
import { problem } from '../problem-details/problem.js';
import type { ProblemTranslator } from '../problem-details/problem-of.js';
import { pathOf, ProblemReplies } from '../problem-details/problem-reply.js';
import { answerBrokenRequest } from './client-errors.js';
import { acceptJsonOnly } from './json-body.js';
import { requestIdOf } from './request-id.js';
import { watchConnections } from '../lifecycle/silent-connections.js';
import { SERVER_LIMITS } from './server-limits.js';
import { acceptStreams } from './streamed-body.js';

const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export interface EdgeOptions {
  readonly logger: Logger;
  /** Who may call what; a route that is not in it stops the process at start. */
  readonly access: AccessTable;
  readonly authenticator: Authenticator;
  /** What a request without a key may do; null: nothing that is not open. */
  readonly anonymous: Principal | null;
  /** Addresses or ranges whose `X-Forwarded-For` counts; empty: nobody's. */
  readonly trustedProxies: readonly string[];
  /** A longer body is 413 on every route that does not say otherwise. */
  readonly bodyLimitBytes?: number;
  /** Told of every answered request: the route's template, never its path. */
  readonly answered?: (method: string, route: string, status: number, seconds: number) => void;
  /** Told of each key that could not be checked where a key is optional: the request went on as nobody's. */
  readonly keyUnchecked?: () => void;
  readonly translators?: readonly ProblemTranslator[];
}

/**
 * Nest's Fastify adapter with the platform's own manners, in the order in which a request meets them: limits of the server,
 * request id, unknown routes, access, body. Errors of every origin (router, parser, hook, plain handler, controller) end in
 * one place, so Nest's error and not-found handlers are not installed.
 */
export class EdgeAdapter extends FastifyAdapter {
  readonly routes = new RegisteredRoutes();
  readonly replies: ProblemReplies;

  constructor(options: EdgeOptions) {
    const replies = new ProblemReplies(options.translators);
    super({
      loggerInstance: options.logger,
      // Fastify's line per request would cost as much as a hit; `answered` is the one that is written, at debug.
      logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
      childLoggerFactory: (logger: FastifyBaseLogger, bindings: Bindings, childOptions: ChildLoggerOptions) =>
        new RequestLogger(logger as Logger, bindings, childOptions),
      genReqId: requestIdOf,
      skipMiddie: true,
      multipart: false,
      trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
      bodyLimit: options.bodyLimitBytes ?? SERVER_LIMITS.bodyBytes,
      routerOptions: { maxParamLength: SERVER_LIMITS.pathParameterCharacters },
      keepAliveTimeout: SERVER_LIMITS.keepAliveMs,
      requestTimeout: SERVER_LIMITS.requestMs,
      forceCloseConnections: 'idle',
      http: {
        headersTimeout: SERVER_LIMITS.headersMs,
        connectionsCheckingInterval: SERVER_LIMITS.connectionsCheckMs,
        maxHeaderSize: SERVER_LIMITS.headerBytes,
        insecureHTTPParser: false,
        // Node's own refusal has neither an id nor a body; ours comes first among the hooks.
        requireHostHeader: false,
      },
      clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, options.logger),
      frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
        reply.header('x-request-id', request.id);
        replies.fail(error, request, reply);
      },
    });
    this.replies = replies;
    const instance = this.getInstance<FastifyInstance>();
    watchConnections(instance.server);
    this.routes.watch(instance, options.access);
    acceptJsonOnly(instance);
    acceptStreams(instance);
    instance.setErrorHandler((error, request, reply) => {
      replies.fail(error, request, reply);
    });
    // Of those that the hook below has let pass: a route whose parameter is empty (`/v1/keys/`) is Nest's to refuse.
    instance.setNotFoundHandler((request, reply) => this.#answerUnknownRoute(request, reply));
    instance.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      if (lacksHost(request)) this.#answerWithoutHost(request, reply);
      else if (request.is404) this.#answerUnknownRoute(request, reply);
      else done();
    });
    instance.addHook('onResponse', (request, reply, done) => {
      const route = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
      options.answered?.(knownMethod(request.method), route, reply.statusCode, reply.elapsedTime / 1000);
      request.log.debug({ method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime }, 'answered');
      done();
    });
    // Only `100-continue` means something to us; RFC 9110 lets us pass over the rest, where Node would answer a bare 417.
    instance.server.on('checkExpectation', (request, response) => instance.server.emit('request', request, response));
    requireAccess(instance, {
      authenticator: options.authenticator,
      anonymous: options.anonymous,
      replies,
      ...(options.keyUnchecked === undefined ? {} : { keyUnchecked: options.keyUnchecked }),
    });
  }

  /** The one that the constructor set stays. */
  override setErrorHandler(): FastifyInstance {
    return this.getInstance<FastifyInstance>();
  }

  /** Unknown routes are answered before their body is read. */
  override setNotFoundHandler(): FastifyInstance {
    return this.getInstance<FastifyInstance>();
  }

  /** A proxy that took the request's host from elsewhere would disagree with us about whose request this is. */
  #answerWithoutHost(request: FastifyRequest, reply: FastifyReply): void {
    const detail = 'A request of HTTP/1.1 names its host in the header Host.';
    this.replies.send(problem('bad_request', detail, { headers: { connection: 'close' } }), request, reply);
  }

  #answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): void {
    const methods = this.routes.methodsOf(pathOf(request));
    if (methods.length === 0) {
      this.replies.send(
        problem('unknown_route', `There is no route ${request.method} ${pathOf(request)}.`),
        request,
        reply,
      );
      return;
    }
    const allow = methods.join(', ');
    if (request.method === 'OPTIONS') {
      reply.header('allow', allow).code(204).send();
      return;
    }
    const detail = `${pathOf(request)} takes ${allow}, not ${request.method}.`;
    this.replies.send(problem('method_not_allowed', detail, { headers: { allow } }), request, reply);
  }
}

function lacksHost({ raw }: FastifyRequest): boolean {
  return raw.headers.host === undefined && raw.httpVersion === '1.1';
}

/** A method comes from the caller; a metric's labels must not. */
function knownMethod(method: string): string {
  return KNOWN_METHODS.has(method) ? method : 'other';
}
