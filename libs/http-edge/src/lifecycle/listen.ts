import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';

/** The address could not be taken; the message says which variable chooses another. */
export class ListenError extends Error {
  readonly code = 'listen_failed';

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ListenError';
  }
}

export interface ListenOn {
  readonly host: string;
  readonly port: number;
  /** The environment variable that chooses the port, for the message. */
  readonly portVariable: string;
}

/** Listens and answers the address as a URL, with the port that the system chose when 0 was asked for. */
export async function listen(app: INestApplication, on: ListenOn): Promise<string> {
  try {
    // Nest's own `listen` would log the system's words before ours.
    const server = app.getHttpAdapter().getInstance() as FastifyInstance;
    await server.listen({ port: on.port, host: on.host });
  } catch (error) {
    throw new ListenError(explain(error, on), error);
  }
  const address = app.getHttpServer().address() as AddressInfo;
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

function explain(error: unknown, { host, port, portVariable }: ListenOn): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (code === 'EADDRINUSE') {
    return `${portVariable}: port ${port} of ${host} is in use by another process. Choose another, e.g. ${portVariable}=${otherPort(port)}, or 0 for any free one.`;
  }
  if (code === 'EACCES') return `${portVariable}: this user may not listen on port ${port}. Choose one above 1023.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `HOST: "${host}" is not an address of this machine. Use 127.0.0.1, 0.0.0.0 or one of its own.`;
  }
  return `Cannot listen on ${host}:${port} (${portVariable}).`;
}

/** Not the next one, which is usually the worker's. */
function otherPort(port: number): number {
  return port + 100 <= 65_535 ? port + 100 : port - 100;
}
