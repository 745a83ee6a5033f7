import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { ChangingToolsServer } from '@promptsales/test-kit';
import { setTimeout as pause } from 'node:timers/promises';
import { SECRETS } from './test-api.js';

export const ADMIN = { 'x-api-key': SECRETS.adminKey };

/** The official client of a server that changes its tools, behind one process. */
export class ToolsWatcher {
  readonly #client = new Client({ name: 'watcher', version: '1' });
  /** The last change that it was told of. */
  heard = 0;
  hearing = (): void => undefined;

  /** @param listens false: as a client that opens no stream of notifications */
  async connect(url: string, listens = true): Promise<this> {
    this.#client.setNotificationHandler(ToolListChangedNotificationSchema, ({ params }) => {
      this.heard = Number(params?._meta?.['changes']);
      this.hearing();
    });
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: ADMIN },
      fetch: async (to, init) =>
        init?.method === 'GET' && !listens ? new Response(null, { status: 405 }) : fetch(to, init),
    });
    await this.#client.connect(transport);
    return this;
  }

  /** After how many changes the list was made that it was given. */
  async list(): Promise<number> {
    const { tools } = await this.#client.listTools();
    return Number(tools[0]?.name.slice('tool-'.length));
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Puts the server behind all of these processes: every one has it within a second. */
export async function serveChangingTools(addresses: readonly string[], { url }: ChangingToolsServer): Promise<void> {
  const stored = await fetch(`${addresses[0]}/v1/mcp/servers/changing`, {
    method: 'PUT',
    headers: { ...ADMIN, 'content-type': 'application/json' },
    body: JSON.stringify({ url, share: 'principal' }),
  });
  if (stored.status !== 201) throw new Error(`the server could not be stored: ${await stored.text()}`);
  for (const address of addresses) {
    while ((await fetch(`${address}/mcp/changing`, { method: 'POST', headers: ADMIN })).status === 404) await pause(20);
  }
}

/** What is told before a client listens, nobody hears. */
export async function untilTheyListen(server: ChangingToolsServer, watchers: readonly ToolsWatcher[]): Promise<void> {
  while (watchers.some(({ heard }) => heard === 0)) await server.change().then(() => pause(20));
}
