/**
 * Stands between MCP clients and a server. Every message is passed on as it came, both ways; looked into are only those
 * that can be answered from the cache, and those that tell of changes.
 *
 * 1. What a server says in between (progress, questions back, notifications) reaches the client that it is for, in its order.
 * 2. A change is ended here before the message that tells of it is passed on.
 * 3. A call of a tool that may change something ends what tools have said before, before it is made and before its answer
 *    is passed on.
 * 4. A request that is not by the book is the server's to judge.
 * 5. A request counts against its client's limits before it is answered or its server is asked. What is kept is looked up beside
 *    the counting, and is nobody's where he is refused.
 */
import { CacheControlError, parseCacheControls, type CacheControls } from '@promptsales/cache-core';
import { cacheableMethod, type CacheableMethod, type ListKind } from '../caching/cacheable.js';
import type { Generations } from '../caching/generations.js';
import type { Listeners } from '../caching/listeners.js';
import type { Question } from '../caching/question.js';
import type { Asked, Results } from '../caching/results.js';
import { scopesOf } from '../caching/scopes.js';
import { readsOnly } from '../caching/tool-facts.js';
import {
  answers,
  clientMessage,
  errorBody,
  isObject,
  isResponse,
  McpError,
  RPC,
  type ClientMessage,
  type JsonObject,
} from '../json-rpc/message.js';
import type { McpServer } from '../servers/mcp-server.js';
import type { Session, SessionSeal } from '../session/session-seal.js';
import { unlessSilent } from '../upstream/silence.js';
import type { Upstream, UpstreamResponse } from '../upstream/upstream.js';
import { termsOf } from './by-the-book.js';
import { hashOf, type Context } from './context.js';
import {
  clientHeaders,
  headerOf,
  parameterHeaders,
  upstreamHeaders,
  type McpReply,
  type McpRequest,
} from './exchange.js';
import { lateErrorOf, withItsFailure } from './failures.js';
import { agreed } from './handshake.js';
import { afterwards, heldUntil, inspected, isEventStream } from './inspected-stream.js';
import { Interim } from './interim.js';
import { methodLabel, type McpObserver } from './observer.js';
import { mayCall, type ClientPermissions } from './permissions.js';
import { checkRepeatedHeaders } from './repeated-headers.js';
import { readAnswer, Refusal, ToBeContinued, wholeOf, withId, type Told } from './server-answer.js';
import { Withdrawals } from './withdrawals.js';

export interface GatewayParts {
  /** Null: there is none of this name for this tenant. */
  readonly serverOf: (tenant: string, name: string) => McpServer | null;
  readonly upstreamOf: (server: McpServer) => Upstream;
  /** Null: nothing is said of this client, and it may call everything. */
  readonly permissionsOf: (client: string, tenant: string) => Promise<ClientPermissions | null>;
  readonly results: Results;
  readonly generations: Generations;
  readonly listeners: Listeners;
  readonly seal: SessionSeal;
  /** Of an answer that has begun: for so long nothing of it need come. */
  readonly silenceMs: number;
  /** Aborted when the process drains: streams of notifications end, and their clients listen elsewhere. */
  readonly ending: AbortSignal;
  /** Told of failures of servers behind the beginning of an answer. */
  readonly failed: (error: unknown) => void;
  readonly observer: Pick<McpObserver, 'answered' | 'asked'>;
}

interface Sending {
  /** Of the message. @default other */
  readonly method?: string | undefined;
  /** To a stream that may be silent for ever, and ends when the process drains. @default false */
  readonly listens?: boolean;
  /** @default until the client has left */
  readonly signal?: AbortSignal;
}

export class McpGateway {
  readonly #parts: GatewayParts;
  readonly #withdrawals = new Withdrawals();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** @throws McpError, UpstreamError; whatever the client's permissions cannot be read for */
  async handle(name: string, request: McpRequest): Promise<McpReply> {
    const { caller, headers } = request;
    const server = this.#parts.serverOf(caller.tenant, name);
    if (server === null) throw new McpError(404, RPC.refused, 'server_not_found', `There is no MCP server ${name}.`);
    const permissions = await this.#parts.permissionsOf(caller.client, caller.tenant);
    if (permissions !== null && !permissions.active) {
      throw new McpError(403, RPC.refused, 'client_not_active', `The client ${caller.client} is not active.`);
    }
    const token = headerOf(headers, 'mcp-session-id');
    const owner = { tenant: caller.tenant, keyId: caller.keyId, server: server.identity };
    const session = token === undefined ? null : this.#parts.seal.open(token, owner);
    if (token !== undefined && session === null) {
      throw new McpError(404, RPC.sessionNotFound, 'session_not_found', 'Session not found');
    }
    const context = { request, server, session, token, scopes: scopesOf(server, caller, session) };
    if (request.method === 'GET') return this.#listen(context);
    if (request.method === 'DELETE') return this.#end(context);
    return this.#take(context, clientMessage(request.body), permissions);
  }

  async #take(context: Context, message: ClientMessage, permissions: ClientPermissions | null): Promise<McpReply> {
    if (permissions !== null) checkPermission(message, permissions, context.server);
    if (context.server.reached.kind === 'stdio') checkRepeatedHeaders(message, context.request.headers);
    // Notifications and answers belong to requests that were counted.
    if (message.kind !== 'request') return (await this.#isWithdrawn(context, message)) ? TAKEN : this.#pass(context);
    if (permissions === null) return this.#serve(context, message, UNLIMITED);
    const limits = admitted(message, permissions);
    // It is waited for in any case, perhaps when it has rejected already.
    limits.catch(() => undefined);
    const reply = await this.#serve(context, message, limits);
    return { ...reply, headers: { ...reply.headers, ...(await limits) } };
  }

  async #serve(context: Context, message: ClientMessage, limits: Promise<unknown>): Promise<McpReply> {
    const passed = (reply: McpReply): McpReply => this.#told(context, message, 'passed', reply);
    const method = cacheableMethod(message.method);
    if (method !== null) {
      const question = await this.#questionOf(context, message, method).catch(async (error: unknown) => {
        // Who is refused is told that, whatever else is wrong.
        await limits;
        throw error;
      });
      if (question !== null) return this.#answer(context, message, question, limits);
    }
    await limits;
    if (message.method === 'initialize') return passed(await this.#begin(context, message));
    if (WORK.has(message.method)) return passed(await this.#call(context, message));
    return passed(await this.#pass(context, message));
  }

  #told<T>({ server }: Context, { method }: ClientMessage, outcome: string, answer: T): T {
    this.#parts.observer.answered(server, methodLabel(method), outcome);
    return answer;
  }

  async #isWithdrawn({ token }: Context, { method, params: { requestId } }: ClientMessage): Promise<boolean> {
    if (method !== 'notifications/cancelled' || token === undefined) return false;
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return false;
    return this.#withdrawals.withdraw(token, requestId);
  }

  /** Null: it is not to be answered from the cache. */
  async #questionOf(context: Context, message: ClientMessage, method: CacheableMethod): Promise<Question | null> {
    const { request, server, session, scopes } = context;
    const terms = termsOf(message, method, request.headers, session);
    if (terms === null) return null;
    const named = String(message.params['name']);
    const permission = (message.method === 'prompts/get' ? server.prompts : server.tools).get(named) ?? null;
    if (method.byPermission && permission?.cache !== true) return null;
    const question: Question = {
      server,
      scopes,
      method,
      message,
      protocolVersion: terms.protocolVersion,
      capabilities: terms.capabilities === null ? (session as Session).capabilities : hashOf(terms.capabilities),
      headers: parameterHeaders(request.headers),
      permission: method.byPermission ? permission : null,
      controls: controlsOf(request, message),
      segmento: message.method === 'tools/call' ? request.caller.segmento : null,
      changes: changesOf(method.kind, session),
    };
    if (message.method !== 'tools/call' || permission?.force === true) return question;
    return (await readsOnly(named, question, this.#parts.results)) ? question : null;
  }

  async #answer(
    context: Context,
    message: ClientMessage,
    question: Question,
    limits: Promise<unknown>,
  ): Promise<McpReply> {
    const interim = new Interim();
    const { left, asking, ended } = this.#withdrawals.begin(context.token, message.id, context.request.left);
    const ask = (signal: AbortSignal): Promise<Asked> => {
      asking(signal);
      return this.#ask(context, message, signal, interim);
    };
    const answered = this.#parts.results
      .answer(question, ask, left, limits)
      .then(({ response, headers }): Told => {
        const body = Buffer.from(JSON.stringify(withId(response, message)));
        const told = { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body };
        return this.#told(context, message, headers['x-cache'] ?? 'passed', told);
      })
      .catch((error: unknown): Told => {
        if (error instanceof Refusal) return this.#told(context, message, 'passed', error);
        throw error;
      })
      .finally(() => {
        interim.end();
        ended();
      });
    const first = await Promise.race([interim.begun, answered]);
    if (first !== undefined) {
      const { status, headers, body } = first;
      const cached = Object.fromEntries(Object.entries(headers).filter(([name]) => CACHE_HEADERS.has(name)));
      return { status, headers: { ...clientHeaders(headers, context.token), ...cached }, body };
    }
    // The server has something to say before it answers, to this client: an answer in events.
    const headers = clientHeaders({ 'content-type': 'text/event-stream' }, context.token);
    const late = answered.catch((error: unknown) => {
      if (error instanceof ToBeContinued) return null;
      const told = lateErrorOf(error);
      if (told.httpStatus >= 500 && !left.aborted) this.#parts.failed(error);
      return { body: errorBody(told, message.id) };
    });
    return { status: 200, headers, body: interim.followedBy(late) };
  }

  /** Asks the server with the client's own request, and reads its answer to the end. */
  async #ask(context: Context, message: ClientMessage, signal: AbortSignal, interim: Interim): Promise<Asked> {
    const response = await this.#send(context, { method: message.method, signal });
    if (response.status !== 200) throw await this.#refusalOf(response, context);
    return readAnswer(response, message, interim, (sent) => this.#parts.generations.heed(sent, context.scopes));
  }

  async #refusalOf({ status, headers, body }: UpstreamResponse, { session, scopes }: Context): Promise<Refusal> {
    if (status === 404 && session !== null) await this.#parts.generations.end(['everything'], scopes);
    return new Refusal(status, headers, await wholeOf(body));
  }

  async #call(context: Context, message: ClientMessage): Promise<McpReply> {
    const { generations } = this.#parts;
    if (await this.#isHarmless(context, message)) return this.#pass(context, message);
    // What it changes and when nobody knows: nothing from before the call is kept, and nothing from before its end.
    await generations.end(['data'], context.scopes);
    return this.#pass(context, message, () => generations.end(['data'], context.scopes));
  }

  async #isHarmless({ server, scopes, session, request }: Context, { params }: ClientMessage): Promise<boolean> {
    if (server.tools.get(String(params['name']))?.force === true) return true;
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    const capabilities = session?.capabilities ?? hashOf(meta['io.modelcontextprotocol/clientCapabilities']);
    const protocolVersion = session?.protocolVersion ?? headerOf(request.headers, 'mcp-protocol-version') ?? '';
    return readsOnly(params['name'], { server, scopes, protocolVersion, capabilities }, this.#parts.results);
  }

  /** @param whenDone awaited before the answer is passed on, or when there is none */
  async #pass(context: Context, message?: ClientMessage, whenDone: () => Promise<void> = nothing): Promise<McpReply> {
    const { generations, listeners } = this.#parts;
    const before = once(whenDone);
    const listens = message?.method === 'subscriptions/listen';
    const response = await this.#send(context, { method: message?.method, listens }).catch(async (error: unknown) => {
      await before();
      throw error;
    });
    const { status } = response;
    const headers = clientHeaders(response.headers, context.token);
    if (status === 404 && context.session !== null) await generations.end(['everything'], context.scopes);
    if (!isEventStream(response.headers)) {
      if (whenDone === nothing) return { status, headers, body: response.body };
      return { status, headers, body: this.#afterwards(context, heldUntil(response.body, before), before) };
    }
    const unheard = listens ? await listeners.begin(context.scopes, hearsAll(message)) : null;
    const heed = async (sent: JsonObject): Promise<void> => {
      await generations.heed(sent, context.scopes);
      if (message !== undefined && answers(sent, message.id)) await before();
    };
    const ended = async (): Promise<void> => {
      unheard?.();
      await before();
    };
    const told = withItsFailure(inspected(response.body, heed), message);
    return { status, headers, body: this.#afterwards(context, told, ended) };
  }

  async #listen(context: Context): Promise<McpReply> {
    const { generations, listeners } = this.#parts;
    const response = await this.#send(context, { listens: true });
    const headers = clientHeaders(response.headers, context.token);
    if (response.status !== 200 || !isEventStream(response.headers)) {
      return { status: response.status, headers, body: response.body };
    }
    // Which stream is taken up again only the server knows: not the one with its notifications, perhaps.
    const resumes = headerOf(context.request.headers, 'last-event-id') !== undefined;
    const ended = resumes ? unlistened : await listeners.begin(context.scopes);
    const body = inspected(response.body, async (sent) => {
      await generations.heed(sent, context.scopes);
      // Of which tool it is the answer, nobody here knows any more.
      if (resumes && isResponse(sent)) await generations.end(['data'], context.scopes);
    });
    return { status: 200, headers, body: this.#afterwards(context, body, async () => ended()) };
  }

  async #end(context: Context): Promise<McpReply> {
    const response = await this.#send(context);
    if (response.status < 300) await this.#parts.generations.end(['everything'], context.scopes);
    return { status: response.status, headers: clientHeaders(response.headers, undefined), body: response.body };
  }

  async #begin(context: Context, message: ClientMessage): Promise<McpReply> {
    const { request, server, scopes } = context;
    const { tenant, keyId } = request.caller;
    const response = await this.#send(context, { method: message.method });
    return agreed(response, message, {
      named: (session) => this.#parts.seal.seal(session, { tenant, keyId, server: server.identity }),
      heed: (sent) => this.#parts.generations.heed(sent, scopes),
    });
  }

  #afterwards({ request }: Context, body: AsyncIterable<Buffer>, work: () => Promise<void>): AsyncIterable<Buffer> {
    return afterwards(body, work, request.left, this.#parts.failed);
  }

  async #send({ server, session, request }: Context, sending: Sending = {}): Promise<UpstreamResponse> {
    const { method = 'other', listens = false, signal = request.left } = sending;
    const { ending, silenceMs } = this.#parts;
    const began = performance.now();
    const upstream = this.#parts.upstreamOf(server);
    const enough = new AbortController();
    const told = (failed: boolean): void =>
      this.#parts.observer.asked(server, methodLabel(method), performance.now() - began, failed);
    try {
      const response = await upstream.send({
        tenant: request.caller.tenant,
        method: request.method,
        headers: upstreamHeaders(request.headers, session?.upstreamId ?? null),
        body: request.method === 'POST' ? request.body : null,
        signal: AbortSignal.any(listens ? [signal, enough.signal, ending] : [signal, enough.signal]),
      });
      if (response.status === 401) {
        // Nobody reads what it says.
        enough.abort();
        // The credential is the operator's: the client can do nothing about it, and must not offer one of its own.
        throw new McpError(502, RPC.refused, 'upstream_unauthorized', REFUSED_CREDENTIAL);
      }
      told(response.status >= 500);
      return listens ? response : { ...response, body: unlessSilent(response.body, silenceMs, enough) };
    } catch (error) {
      if (!signal.aborted) told(true);
      throw error;
    }
  }
}

/** What may have an effect, and whose answer tells that it has had it. */
const WORK: ReadonlySet<string> = new Set(['tools/call', 'tasks/result']);
const UNLIMITED = Promise.resolve();
const TAKEN: McpReply = { status: 202, headers: {}, body: Buffer.alloc(0) };
const CACHE_HEADERS: ReadonlySet<string> = new Set(['x-cache', 'cache-status', 'age']);
const REFUSED_CREDENTIAL = 'The MCP server does not accept the credential that it is configured with.';

function checkPermission(
  { method, params, id, body }: ClientMessage,
  permissions: ClientPermissions,
  { name }: McpServer,
): void {
  // Of two members of one name, be it the method, the server may read another than we do.
  if (!body.faithful) {
    throw new McpError(400, RPC.invalidRequest, 'ambiguous_json', 'The body can be read in more than one way.', id);
  }
  if (method === 'tools/call' && !mayCall(permissions, name, String(params['name']))) {
    throw new McpError(403, RPC.refused, 'tool_not_allowed', 'This client may not call this tool.', id);
  }
}

/** What the client is told of its limits. @throws McpError when one of them is reached */
async function admitted(
  { method, params, id }: ClientMessage,
  permissions: ClientPermissions,
): Promise<Readonly<Record<string, string>>> {
  const { refused, headers } = await permissions.admit(method === 'tools/call' ? String(params['name']) : null);
  if (refused === null) return headers;
  const message = `This client has made as many requests as it may. Try again in ${refused.retryAfterSeconds} s.`;
  throw new McpError(429, RPC.refused, 'too_many_requests', message, id, { headers });
}

function controlsOf({ headers }: McpRequest, { id }: ClientMessage): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    throw new McpError(400, RPC.invalidRequest, error.code, error.message, id, { cause: error });
  }
}

function changesOf(kind: ListKind | null, session: Session | null): Question['changes'] {
  if (session === null) return kind === null ? 'none' : 'unknown';
  return kind !== null && session.told.includes(kind) ? 'told' : 'none';
}

async function nothing(): Promise<void> {}

function unlistened(): void {}

/** A subscription of the revision without sessions says of which lists. */
function hearsAll({ params: { notifications } }: ClientMessage): boolean {
  const kinds = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'];
  return isObject(notifications) && kinds.every((kind) => notifications[kind] === true);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
