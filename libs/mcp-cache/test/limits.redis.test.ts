/** How often a client may come: what counts, and what it is told. */
import type { ClientPermissions } from '../src/index.js';
import { server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { RawClient } from './raw-client.js';
import { ScriptedServer } from './scripted-server.js';

describe('a client that may come so often', () => {
  let place: Stand;
  let gateway: Gateway;
  let upstream: ScriptedServer;
  let counted: (string | null)[];
  let most: number;

  const permissions: ClientPermissions = {
    active: true,
    tools: ['find'],
    admit: async (tool) => {
      if (counted.length >= most) {
        return { refused: { retryAfterSeconds: 7 }, headers: { 'retry-after': '7', ratelimit: '"x";r=0;t=7' } };
      }
      counted.push(tool);
      return { refused: null, headers: { ratelimit: `"x";r=${most - counted.length};t=7` } };
    },
  };

  beforeAll(async () => {
    place = await stand();
    gateway = await place.start();
  });
  afterAll(() => place.stop());

  beforeEach(async () => {
    upstream = await new ScriptedServer().start();
    upstream.answering = ({ method }) =>
      method === 'tools/call' ? { content: [{ type: 'text', text: 'found' }] } : { tools: [] };
    place.servers.set('http', server('http', { kind: 'http', url: upstream.url, headers: {} }));
    place.permissions.set('crm', permissions);
    counted = [];
    most = 100;
  });
  afterEach(() => upstream.stop());

  it('counts with each request, hits too, and with nothing else', async () => {
    const client = await new RawClient(gateway.url('http'), 't:crm').connect();
    await client.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
    await client.send(JSON.stringify({ jsonrpc: '2.0', id: 9, result: {} }));
    const first = await client.ask('tools/list');
    const again = await client.ask('tools/list');
    expect([first, again].map(({ headers }) => headers.get('x-cache'))).toEqual(['MISS', 'HIT']);
    expect(again.headers.get('ratelimit')).toBe('"x";r=97;t=7');
    await client.ask('tools/call', { name: 'find', arguments: {} });
    expect(counted).toEqual([null, null, null, 'find']);
  });

  it('is refused in the shape that MCP clients read, and its server hears nothing', async () => {
    const client = await new RawClient(gateway.url('http'), 't:crm').connect();
    most = 1;
    const before = upstream.asked.length;
    const told = await client.ask('tools/call', { name: 'find', arguments: {} });
    expect([told.status, told.headers.get('retry-after'), told.headers.get('ratelimit')]).toEqual([
      429,
      '7',
      '"x";r=0;t=7',
    ]);
    expect(told.messages).toEqual([
      {
        jsonrpc: '2.0',
        id: 2,
        error: {
          code: -32000,
          message: 'This client has made as many requests as it may. Try again in 7 s.',
          data: { code: 'too_many_requests' },
        },
      },
    ]);
    expect(upstream.asked).toHaveLength(before);
  });

  it('counts nothing of what it may not do at all', async () => {
    const client = await new RawClient(gateway.url('http'), 't:crm').connect();
    expect((await client.ask('tools/call', { name: 'drop' })).status).toBe(403);
    place.permissions.set('crm', { ...permissions, active: false });
    expect((await client.ask('ping')).status).toBe(403);
    expect(counted).toEqual([null]);
  });
});
