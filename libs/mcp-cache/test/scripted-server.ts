/** A small MCP server over HTTP that answers as a test says, with sessions and streams of notifications. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly id: unknown;
  readonly session: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

/** The result; or what else the answer consists of. */
export type Answering = (asked: Asked, reply: ServerResponse) => unknown;

export class ScriptedServer {
  readonly asked: Asked[] = [];
  readonly #server = createServer((request, reply) => void this.#serve(request, reply));
  readonly #listening = new Set<ServerResponse>();
  answering: Answering = () => ({});
  capabilities: object = { tools: { listChanged: true }, resources: { listChanged: true, subscribe: true } };
  /** Whether it lets itself be listened to. */
  speaks = true;

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  get listeners(): number {
    return this.#listening.size;
  }

  count(method: string): number {
    return this.asked.filter((one) => one.method === method).length;
  }

  notify(method: string, params: object = {}): void {
    for (const stream of this.#listening) stream.write(event({ jsonrpc: '2.0', method, params }));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const session = request.headers['mcp-session-id'] as string | undefined;
    if (request.method === 'GET') {
      if (!this.speaks) return void reply.writeHead(405).end();
      reply.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      this.#listening.add(reply);
      reply.once('close', () => this.#listening.delete(reply));
      return;
    }
    if (request.method === 'DELETE') return void reply.writeHead(200).end();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const message = JSON.parse(Buffer.concat(chunks).toString()) as Omit<Asked, 'params'> & Partial<Asked>;
    const { id, method, params = {} } = message;
    this.asked.push({ id, method, params, session, headers: request.headers });
    if (id === undefined) return void reply.writeHead(202).end();
    if (method === 'initialize') {
      const { protocolVersion } = params;
      reply.setHeader('mcp-session-id', randomUUID());
      const result = { protocolVersion, capabilities: this.capabilities, serverInfo: { name: 's', version: '1' } };
      return answer(reply, { jsonrpc: '2.0', id, result });
    }
    const result = await this.answering({ id, method, params, session, headers: request.headers }, reply);
    if (!reply.writableEnded && !reply.destroyed) answer(reply, { jsonrpc: '2.0', id, result });
  }
}

export function event(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

function answer(reply: ServerResponse, message: object): void {
  if (reply.headersSent) reply.end(event(message));
  else reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
}
