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

const FIRST = 20_000;
const LAST = 29_999;
const REMEMBERED = 500;

/** What this process has been given lately: who stops a server for a moment finds its port free when it starts it again. */
const given = new Set();

/** The test processes of Jest that run at a time have a last digit each, and so never take each other's ports. */
function lastDigit() {
  const worker = Number.parseInt(process.env.JEST_WORKER_ID ?? '', 10);
  return Number.isNaN(worker) ? Math.floor(Math.random() * 10) : worker % 10;
}

/**
 * A free port below the range from which the kernel gives out ports for outgoing connections, so that a server that is
 * stopped and started again on its port does not find it taken by somebody's connection.
 */
export async function freePort(host = '127.0.0.1') {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const port = FIRST + 10 * Math.floor(Math.random() * ((LAST + 1 - FIRST) / 10)) + lastDigit();
    if (given.has(port) || !(await isPortFree(port, host))) continue;
    if (given.size === REMEMBERED) given.clear();
    given.add(port);
    return port;
  }
  throw new Error(`No free port between ${FIRST} and ${LAST} on ${host}`);
}
