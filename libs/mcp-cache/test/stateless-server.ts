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
    this.#addWhatTheSuiteAsksFor(server);
    return server;
  }

  /** Names and texts are those of the conformance suite. */
  #addWhatTheSuiteAsksFor(server: McpServer): void {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
    const text = (said: string) => ({ type: 'text' as const, text: said });
    const image = { type: 'image' as const, data: pixel, mimeType: 'image/png' };
    server.registerTool('test_simple_text', { description: 'text' }, () => ({
      content: [text('This is a simple text response for testing.')],
    }));
    server.registerTool('test_image_content', { description: 'image' }, () => ({ content: [image] }));
    server.registerTool('test_error_handling', { description: 'error' }, () => ({
      content: [text('This tool intentionally returns an error for testing')],
      isError: true,
    }));
    server.registerTool('test_tool_with_progress', { description: 'progress' }, async ({ mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: progressToken as string, progress, total: 100 },
        });
      }
      return { content: [text('done')] };
    });
    server.registerResource('text', 'test://static-text', { mimeType: 'text/plain' }, (uri) => ({
      contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
    }));
    server.registerResource('binary', 'test://static-binary', { mimeType: 'image/png' }, (uri) => ({
      contents: [{ uri: uri.href, mimeType: 'image/png', blob: pixel }],
    }));
    server.registerPrompt('test_simple_prompt', { description: 'simple' }, () => ({
      messages: [{ role: 'user', content: text('This is a simple prompt for testing.') }],
    }));
  }
}
