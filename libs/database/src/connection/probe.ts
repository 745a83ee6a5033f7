import { DatabaseUnavailableError } from '../errors.js';
import { LATE_MS } from './patience.js';
import { SocketClient } from './socket-client.js';

/**
 * Asks the server on a connection of its own, so that neither a busy pool nor an old connection colours the answer.
 * Resolves with the milliseconds that it took; rejects with the driver's error, or with a deadline.
 */
export async function probe(connectionString: string, timeoutMs: number): Promise<number> {
  for (;;) {
    const began = performance.now();
    try {
      await once(connectionString, timeoutMs);
      return performance.now() - began;
    } catch (error) {
      const timedOut = error instanceof DatabaseUnavailableError;
      if (!timedOut || performance.now() - began <= timeoutMs + LATE_MS) throw error;
    }
  }
}

async function once(connectionString: string, timeoutMs: number): Promise<void> {
  const client = new SocketClient({ connectionString, application_name: 'promptsales probe' });
  const cut = Promise.withResolvers<never>();
  client.on('error', cut.reject);
  const timer = setTimeout(() => cut.reject(new DatabaseUnavailableError('deadline')), timeoutMs);
  const asked = client.connect().then(() => client.query('select 1'));
  try {
    await Promise.race([asked, cut.promise]);
  } finally {
    clearTimeout(timer);
    client.cut();
    // The loser of the race fails with the cut connection, which is what was asked for.
    await Promise.allSettled([asked]);
  }
}
