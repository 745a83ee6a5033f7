/** A provider of raw sockets and answers, for the faults that no well-behaved mock can show. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ProviderCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answering = (call: ProviderCall, response: ServerResponse, socket: Socket) => void | Promise<void>;

export class RawProvider {
  readonly calls: ProviderCall[] = [];
  readonly #server: Server;
  #answering: Answering;

  private constructor(answering: Answering) {
    this.#answering = answering;
    this.#server = createServer((request, response) => {
      void this.#handle(request, response);
    });
    // None is closed while its client takes it for the next call.
    this.#server.keepAliveTimeout = 600_000;
  }

  static async start(answering: Answering): Promise<RawProvider> {
    const provider = new RawProvider(answering);
    await new Promise<void>((resolve) => {
      provider.#server.listen(0, '127.0.0.1', resolve);
    });
    return provider;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  answers(answering: Answering): void {
    this.#answering = answering;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    this.calls.push(call);
    await this.#answering(call, response, request.socket);
  }
}
