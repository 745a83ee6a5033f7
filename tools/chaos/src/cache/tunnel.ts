/**
 * Sends every connection of this process to Redis through the fault proxy, whoever makes it and whatever address he was
 * told (by a Sentinel, by a cluster): the first line on each says who connects where.
 */
import { createRequire } from 'node:module';
import type net from 'node:net';

type Connect = (options: net.NetConnectOpts, listener?: () => void) => net.Socket;

export function tunnelThrough(proxyPort: number, process: string, isDirect: (port: number) => boolean): void {
  // The module object that ioredis calls `createConnection` on; an ES module's names could not be replaced.
  const module = createRequire(import.meta.url)('node:net') as { createConnection: Connect };
  const direct = module.createConnection;
  module.createConnection = (options, listener) => {
    const { port } = options as net.TcpNetConnectOpts;
    if (port === undefined || isDirect(port)) return direct(options, listener);
    const socket = direct({ ...options, host: '127.0.0.1', port: proxyPort }, listener);
    socket.write(`${process} ${port}\n`);
    return socket;
  };
}
