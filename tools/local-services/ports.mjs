/** Ports of 127.0.0.1. */
import { createServer } from 'node:net';

/** True when nothing listens on `port` of `host`. Throws what listening throws for any other reason than "in use". */
export function isPortFree(port, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * A free port below the range from which the kernel gives out ports for outgoing connections, so that a server that is
 * stopped and started again on its port does not find it taken by somebody's connection.
 */
export async function freePort(host = '127.0.0.1') {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`No free port between 20000 and 32000 on ${host}`);
}
