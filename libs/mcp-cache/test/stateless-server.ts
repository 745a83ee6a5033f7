/** A server of the revision without sessions, by the official SDK, over HTTP. What it lists can be changed while it serves. */
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { z } from 'zod';

export class StatelessServer {
  /** How often each method was asked. */
  readonly asked = new Map<string, number>();
  version = 1;
  ttlMs = 60_000;
  cacheScope: 'public' | 'private' = 'public';
  readonly #handler = createMcpHandler(() => this.#made());
  readonly #server = createServer((request, reply) => {
    void (async () => {
      const headers = Object.entries(request.headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)] as [string, string]],
      );
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const { method } = (text.startsWith('{') ? JSON.parse(text) : {}) as { method?: string };
      if (method !== undefined) this.asked.set(method, (this.asked.get(method) ?? 0) + 1);
      const left = new AbortController();
      reply.once('close', () => left.abort());
      const init: RequestInit = { method: request.method ?? 'GET', headers, signal: left.signal };
      if (request.method === 'POST') init.body = text;
      const response = await this.#handler.fetch(new Request(this.url, init));
      reply.writeHead(response.status, Object.fromEntries(response.headers));
      reply.flushHeaders();
      if (response.body === null) reply.end();
      else Readable.fromWeb(response.body as never).pipe(reply);
    })();
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  toolsChanged(): void {
    this.#handler.notify.toolsChanged();
  }

  async stop(): Promise<void> {
    await this.#handler.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #made(): McpServer {
    const hint = { ttlMs: this.ttlMs, cacheScope: this.cacheScope };
    const server = new McpServer(
      { name: 'stateless', version: '1' },
      {
        capabilities: { tools: { listChanged: true } },
        cacheHints: {
          'server/discover': hint,
          'tools/list': hint,
          'prompts/list': hint,
          'resources/list': hint,
          'resources/templates/list': hint,
          'resources/read': hint,
        },
      },
    );
    server.registerTool(
      `add-${this.version}`,
      {
        description: 'adds',
        inputSchema: z.object({ a: z.number(), b: z.number() }),
        annotations: { readOnlyHint: true },
      },
      ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
    );
    server.registerResource('note', 'note://one', { mimeType: 'text/plain' }, (uri) => ({
      contents: [{ uri: uri.href, text: `version ${this.version}` }],
    }));
    server.registerPrompt('hello', { description: 'greets' }, () => ({
      messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }],
    }));
    return server;
  }
}
