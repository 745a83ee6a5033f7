import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { closeSilentConnections } from './silent-connections.js';

const SWEEP_MS = 50;

/**
 * Stops a server the gentle way: no new connection, requests and streams that are under way finish within `boundMs`, and each
 * connection is closed as soon as nothing is under way on it. What is left at the bound is cut.
 *
 * @returns whether everything finished within the bound
 */
export async function drain(server: Server, boundMs: number): Promise<boolean> {
  if (!server.listening) return true;
  const closed = once(server, 'close').then(() => true);
  server.close();
  // A keep-alive connection that falls idle after close() is not closed by Node until its time-out.
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    closeSilentConnections(server);
  }, SWEEP_MS);
  const bound = new AbortController();
  try {
    const finished = await Promise.race([closed, delay(boundMs, false, { signal: bound.signal })]);
    if (!finished) {
      server.closeAllConnections();
      await closed;
    }
    return finished;
  } finally {
    bound.abort();
    clearInterval(sweep);
  }
}
