import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An MCP server over streamable HTTP whose only tool is named after how often its tools have changed. */
export class ChangingToolsServer {
  readonly #http: HttpServer;
  readonly #sessions = new Map<
    string,
    { readonly server: Server; readonly transport: StreamableHTTPServerTransport }
  >();
  changes = 0;
  /** How often it was asked for its tools. */
  lists = 0;

  constructor() {
    this.#http = createServer((request, reply) => void this.#take(request, reply));
  }

  async start(): Promise<this> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
  }

  /** Changes its tools, and tells every session that listens, with the number of the change. */
  async change(): Promise<void> {
    this.changes += 1;
    const params = { _meta: { changes: this.changes } };
    const told = { method: 'notifications/tools/list_changed', params };
    await Promise.all([...this.#sessions.values()].map(({ server }) => server.notification(told)));
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  async #take(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const session = typeof id === 'string' ? this.#sessions.get(id) : await this.#session();
    if (session === undefined) reply.writeHead(404).end();
    else await session.transport.handleRequest(request, reply);
  }

  async #session(): Promise<{ readonly transport: StreamableHTTPServerTransport }> {
    const server = new Server(
      { name: 'changing-tools', version: '1' },
      { capabilities: { tools: { listChanged: true } } },
    );
    server.setRequestHandler(ListToolsRequestSchema, () => {
      this.lists += 1;
      return { tools: [{ name: `tool-${this.changes}`, inputSchema: { type: 'object' } }] };
    });
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, { server, transport }),
    });
    await server.connect(transport);
    return { transport };
  }
}
