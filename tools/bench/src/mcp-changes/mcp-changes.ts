/**
 * From the moment when an MCP server announces other tools to the first fresh list, through two API processes with the
 * official client behind each: as soon as one client has heard of it, both ask. All clocks are that of this process.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { startStand, type Stand } from '@promptsales/stand';
import { startChangingTools, type ChangingToolsServer } from '@promptsales/test-kit';
import { setTimeout as pause } from 'node:timers/promises';
import { quantiles } from '../quantiles.js';

const CHANGES = 500;

interface Watcher {
  readonly client: Client;
  heard: number;
  hearing: () => void;
}

export async function mcpChangesBenchmark(): Promise<void> {
  const [stand, server] = await Promise.all([
    startStand({ apis: 2, firstByteMs: 0, environmentOf: () => ({ NODE_ENV: 'production' }) }),
    startChangingTools(),
  ]);
  try {
    await store(stand, server);
    const watchers = await Promise.all(stand.apis.map(({ address }) => watcherAt(address, stand.adminKey)));
    // What is told before a client listens, nobody hears.
    while (watchers.some(({ heard }) => heard === 0)) await server.change().then(() => pause(20));
    await measure(server, watchers);
    await Promise.all(watchers.map(({ client }) => client.close()));
  } finally {
    await stand.stop();
    await server.stop();
  }
}

async function measure(server: ChangingToolsServer, watchers: readonly Watcher[]): Promise<void> {
  const heard: number[] = [];
  const where = { told: [] as number[], other: [] as number[] };
  let stale = 0;
  for (let change = 0; change < CHANGES; change += 1) {
    for (const { client } of watchers) while ((await listed(client)) < server.changes) await pause(1);
    const first = Promise.withResolvers<Watcher>();
    for (const watcher of watchers) watcher.hearing = () => first.resolve(watcher);
    const began = performance.now();
    await server.change();
    const told = await first.promise;
    heard.push(performance.now() - began);
    const ask = async (watcher: Watcher): Promise<void> => {
      while ((await listed(watcher.client)) < server.changes) stale += 1;
      where[watcher === told ? 'told' : 'other'].push(performance.now() - began);
    };
    await Promise.all(watchers.map(ask));
    while (watchers.some((watcher) => watcher.heard < server.changes)) await pause(1);
  }
  console.table({
    'a client has heard of it': quantiles(heard),
    'it has a fresh list': quantiles(where.told),
    'the other process has given one': quantiles(where.other),
  });
  console.log(`stale lists after a client had heard: ${stale}`);
}

async function watcherAt(address: string, key: string): Promise<Watcher> {
  const client = new Client({ name: 'bench', version: '1' });
  const watcher: Watcher = { client, heard: 0, hearing: () => undefined };
  client.setNotificationHandler(ToolListChangedNotificationSchema, ({ params }) => {
    watcher.heard = Number(params?._meta?.['changes']);
    watcher.hearing();
  });
  const requestInit = { headers: { 'x-api-key': key } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${address}/mcp/changing`), { requestInit }));
  return watcher;
}

/** After how many changes the list was made. */
async function listed(client: Client): Promise<number> {
  const { tools } = await client.listTools();
  return Number(tools[0]?.name.slice('tool-'.length));
}

/** In force in every process within a second. */
async function store({ adminKey, apis }: Stand, { url }: ChangingToolsServer): Promise<void> {
  const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
  const stored = await fetch(`${apis[0]?.address}/v1/mcp/servers/changing`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ url, share: 'principal' }),
  });
  if (stored.status !== 201) throw new Error(`the server could not be stored: ${await stored.text()}`);
  for (const { address } of apis) {
    while ((await fetch(`${address}/mcp/changing`, { method: 'POST', headers, body: '{}' })).status === 404)
      await pause(20);
  }
}
