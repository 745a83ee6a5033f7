import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Sends one command over a connection of its own and resolves with the reply; rejects within a second. */
export async function admin(port: number, ...command: readonly (string | number)[]): Promise<unknown> {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    connectTimeout: 1000,
    commandTimeout: 1000,
    retryStrategy: () => null,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  client.on('error', () => {}); // Told by what `connect` and `call` reject with.
  try {
    await client.connect();
    const [name, ...args] = command;
    return await client.call(String(name), ...args.map(String));
  } finally {
    client.disconnect();
  }
}

/** Looks until `so`; an error while looking means "not yet", and is what the time-out tells. */
export async function until(what: string, so: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      if (await so()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`Still not so after ${withinMs / 1000} s: ${what}`, { cause: last });
    await pause(20);
  }
}

export const replicationOf = async (port: number): Promise<string> => String(await admin(port, 'INFO', 'replication'));

/** Whether each server is a primary, or a replica that is connected to one. */
export async function upToDate(servers: readonly { readonly port: number }[]): Promise<boolean> {
  const all = await Promise.all(servers.map(({ port }) => replicationOf(port)));
  return all.every((info) => info.includes('role:master') || info.includes('master_link_status:up'));
}
