import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** How long a server that runs may take to answer, on a machine with much else to do. */
const ANSWERS_WITHIN_MS = 30_000;
/** After so long without an answer a server counts as frozen. */
const FROZEN_AFTER_MS = 2000;

type Command = readonly (string | number)[];

/** Sends one command over a connection of its own and resolves with the reply. */
export const admin = (port: number, ...command: Command): Promise<unknown> => send(port, command, ANSWERS_WITHIN_MS);

/** The same, of a server that may be frozen: rejects soon. */
export const glance = (port: number, ...command: Command): Promise<unknown> => send(port, command, FROZEN_AFTER_MS);

async function send(port: number, command: Command, withinMs: number): Promise<unknown> {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    connectTimeout: withinMs,
    commandTimeout: withinMs,
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
export async function until(what: string, so: () => Promise<boolean>, withinMs = 90_000): Promise<void> {
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

export const replicationOf = async (port: number): Promise<string> => String(await glance(port, 'INFO', 'replication'));

/** Whether each server is a primary, or a replica that is connected to one. */
export async function upToDate(servers: readonly { readonly port: number }[]): Promise<boolean> {
  const all = await Promise.all(servers.map(({ port }) => replicationOf(port)));
  return all.every((info) => info.includes('role:master') || info.includes('master_link_status:up'));
}
