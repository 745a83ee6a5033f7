/**
 * Principals who ask the same at the same time, through two gateways on one Redis, over many connections: nobody ever gets
 * what was made for somebody else and is not to be shared. `MCP_ISOLATION_REQUESTS` says how many requests; a hundred thousand take
 * a minute.
 */
import { Pool } from 'undici';
import type { McpServer, Share, Trust } from '../../src/servers/mcp-server.js';
import { server, stand, type Gateway, type Stand } from '../gateway-stand.js';
import { markIn, MarkingUpstreams, type Asker, type Mark } from './marking-upstream.js';

const REQUESTS = Number(process.env['MCP_ISOLATION_REQUESTS'] ?? 3000);
const CONNECTIONS = 64;
const PRINCIPALS = ['t:ana', 't:eva', 'u:ana'];
const SHARES: readonly Share[] = ['session', 'principal', 'public'];
const TRUSTS: readonly Trust[] = ['private', 'public'];
const META = 'io.modelcontextprotocol/';

interface Client {
  readonly asker: Asker;
  readonly server: McpServer;
  /** Headers of each of its requests. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Park and Miller's minimal standard: the same questions in each run, though not the same interleaving. */
let state = 20_260_728;
const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
const oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;

let place: Stand;
let gateways: Gateway[];
let pools: Pool[];
let upstreams: MarkingUpstreams[];

beforeAll(async () => {
  place = await stand();
  upstreams = [new MarkingUpstreams(random), new MarkingUpstreams(random)];
  gateways = await Promise.all(upstreams.map((one) => place.start({}, one)));
  pools = gateways.map((one) => new Pool(one.url('x').origin, { connections: CONNECTIONS / 2 }));
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await place.stop();
});

/** May whoever asks have what was made for him whom the mark names? As docs/mcp-gateway.md has it, and nothing of the code. */
function mayHave(mark: Mark, { asker, server: { share, trust } }: Client): boolean {
  const tenant = mark.tenant === asker.tenant;
  const principal = tenant && mark.key === asker.key;
  if (mark.said === 'private') return principal;
  if (mark.said === 'public' && trust === 'public') return tenant;
  if (share === 'public') return tenant;
  if (share === 'principal') return principal;
  return principal && mark.session === asker.session;
}

function configured(): McpServer[] {
  const allowed = new Map([['find', { cache: true, force: false, accounting: false, ttlSeconds: null }]]);
  const prompts = new Map([['p', { cache: true, force: false, accounting: false, ttlSeconds: null }]]);
  return SHARES.flatMap((share) =>
    TRUSTS.map((trust) => {
      const name = `${share}-${trust}`;
      const made = server(
        name,
        { kind: 'http', url: `http://${name}.invalid`, headers: {} },
        { share, trust, tools: allowed, prompts },
      );
      place.servers.set(name, made);
      return made;
    }),
  );
}

const post = async (client: Client, body: string, headers: Record<string, string>, by = oneOf(pools)) => {
  const { headers: told, body: answer } = await by.request({
    method: 'POST',
    path: `/mcp/${client.server.name}`,
    headers: { ...client.headers, ...headers },
    body,
  });
  return { headers: told, text: await answer.text() };
};

/** Of each principal and server two sessions, and a client without one. */
async function clientsOf(servers: readonly McpServer[]): Promise<Client[]> {
  const common = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
  const clients: Client[] = [];
  for (const one of servers) {
    for (const principal of PRINCIPALS) {
      const [tenant = '', key = ''] = principal.split(':');
      const headers = { ...common, 'x-api-key': principal };
      const stateless = { ...headers, 'mcp-protocol-version': '2026-07-28' };
      clients.push({ asker: { tenant, key, session: null }, server: one, headers: stateless });
      for (const session of ['first', 'second']) {
        const beginning = { asker: { tenant, key, session }, server: one, headers };
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
        const begun = await post(beginning, body, {});
        const named = {
          'mcp-session-id': String(begun.headers['mcp-session-id']),
          'mcp-protocol-version': '2025-11-25',
        };
        clients.push({ ...beginning, headers: { ...headers, ...named } });
      }
    }
  }
  return clients;
}

function question(session: string | null): {
  readonly method: string;
  readonly params: Readonly<Record<string, string | object>>;
} {
  const at = Math.floor(random() * 3);
  const choices = [
    { method: 'tools/list', params: {} },
    { method: 'prompts/list', params: {} },
    { method: 'resources/list', params: {} },
    { method: 'resources/read', params: { uri: `a:${at}` } },
    { method: 'prompts/get', params: { name: 'p', arguments: { at: String(at) } } },
    { method: 'tools/call', params: { name: 'find', arguments: { at } } },
    { method: 'tools/call', params: { name: 'find', arguments: { at } } },
    ...(random() < 0.1 ? [{ method: 'tools/call', params: { name: 'write', arguments: {} } }] : []),
    ...(session === null ? [{ method: 'server/discover', params: {} }] : []),
  ];
  return oneOf(choices);
}

it(`trap 22: ${REQUESTS} random requests of two principals and another tenant show nobody what is another's`, async () => {
  const clients = await clientsOf(configured());
  const wrong: string[] = [];
  const seen = { hits: 0, coalesced: 0, ofOthers: 0, requests: 0 };
  const ask = async (): Promise<void> => {
    const client = oneOf(clients);
    const { asker } = client;
    const { method, params } = question(asker.session);
    const meta = {
      asker,
      [`${META}protocolVersion`]: '2026-07-28',
      [`${META}clientInfo`]: { name: 'c', version: '1' },
      [`${META}clientCapabilities`]: {},
    };
    const named = params['name'] ?? params['uri'];
    const headers: Record<string, string> = asker.session === null ? { 'mcp-method': method } : {};
    if (asker.session === null && typeof named === 'string') headers['mcp-name'] = named;
    if (random() < 0.02) headers['cache-control'] = oneOf(['no-cache', 'no-store']);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } });
    const { headers: told, text } = await post(client, body, headers);
    const mark = markIn(text);
    if (mark === null) return void wrong.push(`no result for ${body}: ${text.slice(0, 200)}`);
    seen.hits += told['x-cache'] === 'HIT' ? 1 : 0;
    seen.coalesced += told['x-cache'] === 'COALESCED' ? 1 : 0;
    seen.ofOthers += mark.key === asker.key ? 0 : 1;
    if (!mayHave(mark, client))
      wrong.push(`${client.server.name} ${method}: ${JSON.stringify(asker)} got ${JSON.stringify(mark)}`);
  };
  const work = async (): Promise<void> => {
    while (seen.requests < REQUESTS) {
      seen.requests += 1;
      await ask();
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  if (process.env['MCP_ISOLATION_REQUESTS'] !== undefined) {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const asked = upstreams.reduce((all, one) => all + one.asked, 0);
    process.stdout.write(`${JSON.stringify({ ...seen, asked, wrong: wrong.length, seconds })}\n`);
  }
  expect(wrong).toEqual([]);
  expect(place.failures).toEqual([]);
  // Else nothing was shared that could have been somebody else's.
  expect(seen.hits).toBeGreaterThan(REQUESTS / 20);
  expect(seen.coalesced).toBeGreaterThan(0);
  expect(seen.ofOthers).toBeGreaterThan(REQUESTS / 100);
}, 3_600_000);
