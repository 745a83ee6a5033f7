/** Requests as they are written, without a client's own ideas. */
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly message: IncomingMessage;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sees the answer before its body is read. */
  readonly begun?: (message: IncomingMessage) => void;
}

export function ask(url: string, { method = 'GET', headers = {}, body, begun }: Asking = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (message) => {
      begun?.(message);
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('error', reject);
      message.on('end', () =>
        resolve({
          status: message.statusCode ?? 0,
          headers: message.headers,
          body: Buffer.concat(chunks).toString(),
          message,
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
