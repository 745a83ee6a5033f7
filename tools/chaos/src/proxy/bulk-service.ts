/** A service that sends and takes bodies of any length, and tells when a connection to it ends. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { numberedBytes, Sum } from './numbered-bytes.js';

/** One request to it, from its beginning to the end of its connection or of its answer. */
export interface BulkCall {
  /** What has been handed to the connection, or has come from it. */
  readonly sum: Sum;
  /** When it was over, by `performance.now()`; null: not yet. */
  endedAtMs: number | null;
}

export class BulkService {
  readonly calls: BulkCall[] = [];
  /** Left alone, Node lets no request take longer than five minutes. */
  readonly #server = createServer({ requestTimeout: 0 }, (request, response) => void this.#answer(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get last(): BulkCall {
    const last = this.calls.at(-1);
    if (last === undefined) throw new Error('Nobody has called the service.');
    return last;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** `GET /{bytes}`: so many of them, and every cache may keep them. `PUT`: their sum. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call: BulkCall = { sum: new Sum(), endedAtMs: null };
    this.calls.push(call);
    response.once('close', () => (call.endedAtMs = performance.now()));
    try {
      if (request.method === 'GET') {
        response.writeHead(200, {
          'cache-control': 'public, max-age=3600',
          'content-type': 'application/octet-stream',
        });
        await pipeline(Readable.from(summed(numberedBytes(Number(request.url?.slice(1))), call.sum)), response);
      } else {
        for await (const chunk of request) call.sum.add(chunk as Buffer);
        response.end(call.sum.text);
      }
    } catch {
      // Who called has gone: `endedAtMs` tells it.
      response.destroy();
    }
  }
}

function* summed(chunks: Iterable<Buffer>, sum: Sum): Generator<Buffer> {
  for (const chunk of chunks) {
    sum.add(chunk);
    yield chunk;
  }
}
