/**
 * The server that the conformance suite expects, by the official SDK, over HTTP: with sessions for the versions that have
 * them, and without for 2026-07-28.
 */
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  McpServer,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
  type EventStore,
  type JSONRPCMessage,
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { addInputRequired, addStreamTools, STATES } from './input-required-fixtures.js';
import { addPrompts, addResources, addTools } from './plain-fixtures.js';
import { addSessionTools } from './session-fixtures.js';

const HINT = { ttlMs: 60_000, cacheScope: 'public' as const };

export class FixtureServer {
  readonly #sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  readonly #stateless = createMcpHandler(() => this.#madeStateless(), { legacy: 'reject' });
  readonly #http = createServer((request, reply) => {
    this.#serve(request, reply).catch((error: unknown) => reply.destroy(error as Error));
  });

  async start(): Promise<this> {
    // On a busy machine the suite may use a connection that has just been given up, and not notice that its answer is lost.
    this.#http.keepAliveTimeout = 120_000;
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
  }

  async stop(): Promise<void> {
    await this.#stateless.close();
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  async #serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const response = await this.#answered(await webRequest(request, reply, this.url));
    reply.writeHead(response.status, Object.fromEntries(response.headers));
    reply.flushHeaders();
    if (response.body === null) reply.end();
    else Readable.fromWeb(response.body as never).pipe(reply);
  }

  async #answered(request: Request): Promise<Response> {
    const refused =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    if (refused !== undefined) return refused;
    const id = request.headers.get('mcp-session-id');
    const session = id === null ? undefined : this.#sessions.get(id);
    if (session !== undefined) return session.handleRequest(request);
    if (id !== null) return new Response(null, { status: 404 });
    if (!(await isLegacyRequest(request))) return this.#stateless.fetch(request);
    return (await this.#begun()).handleRequest(request);
  }

  async #begun(): Promise<WebStandardStreamableHTTPServerTransport> {
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, transport),
      onsessionclosed: (id) => void this.#sessions.delete(id),
      eventStore: new Events(),
      retryInterval: 100,
    });
    const server = made({ logging: {}, resources: { subscribe: true, listChanged: true } });
    addSessionTools(server);
    server.server.setRequestHandler('resources/subscribe', () => ({}));
    server.server.setRequestHandler('resources/unsubscribe', () => ({}));
    await server.connect(transport);
    return transport;
  }

  #madeStateless(): McpServer {
    const server = made({});
    addInputRequired(server);
    addStreamTools(server, (list) => {
      if (list === 'tools') this.#stateless.notify.toolsChanged();
      else this.#stateless.notify.promptsChanged();
    });
    return server;
  }
}

function made(capabilities: object): McpServer {
  const server = new McpServer(
    { name: 'conformance-fixtures', version: '1' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true },
        completions: {},
        ...capabilities,
      },
      requestState: { verify: (state, context) => STATES.verify(state, context) },
      cacheHints: {
        'server/discover': HINT,
        'tools/list': HINT,
        'prompts/list': HINT,
        'resources/list': HINT,
        'resources/templates/list': HINT,
        'resources/read': HINT,
      },
    },
  );
  addTools(server);
  addResources(server);
  addPrompts(server);
  return server;
}

/** What a stream has said, for a client that comes back. */
class Events implements EventStore {
  readonly #events: { readonly stream: string; readonly message: JSONRPCMessage }[] = [];

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    return String(this.#events.push({ stream, message }) - 1);
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events[Number(id)]?.stream;
  }

  async replayEventsAfter(
    last: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = this.#events[Number(last)]?.stream ?? '';
    for (const [at, event] of this.#events.entries()) {
      // What begins a stream is an event without a message.
      if (at > Number(last) && event.stream === stream && 'jsonrpc' in event.message)
        await send(String(at), event.message);
    }
    return stream;
  }
}

async function webRequest(request: IncomingMessage, reply: ServerResponse, url: string): Promise<Request> {
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const left = new AbortController();
  reply.once('close', () => left.abort());
  const init: RequestInit = { method: request.method ?? 'GET', headers, signal: left.signal };
  if (chunks.length > 0) init.body = Buffer.concat(chunks);
  return new Request(url, init);
}
