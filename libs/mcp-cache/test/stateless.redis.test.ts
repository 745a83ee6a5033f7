/** The revision without sessions, by the official SDK on both sides. The client's own cache is switched off. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { referenceServer, server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { StatelessServer } from './stateless-server.js';

const RELOAD = { cacheMode: 'bypass' as const };

describe('a server without sessions', () => {
  let place: Stand;
  let one: Gateway;
  let other: Gateway;
  let upstream: StatelessServer;
  beforeAll(async () => {
    place = await stand();
    [one, other] = await Promise.all([place.start(), place.start()]);
  });
  afterAll(() => place.stop());
  beforeEach(async () => {
    upstream = await new StatelessServer().start();
    place.servers.set('stateless', server('stateless', { kind: 'http', url: upstream.url, headers: {} }));
  });
  afterEach(() => upstream.stop());

  const connect = async (url: URL, key = 't:k') => {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { 'x-api-key': key } } }));
    return client;
  };
  const everything = async (client: Client) => [
    client.getNegotiatedProtocolVersion(),
    client.getServerVersion(),
    client.getServerCapabilities(),
    await client.listTools({}, RELOAD),
    await client.listPrompts({}, RELOAD),
    await client.listResources({}, RELOAD),
    await client.listResourceTemplates({}, RELOAD),
    await client.readResource({ uri: 'note://one' }, RELOAD),
    await client.getPrompt({ name: 'hello' }),
    await client.callTool({ name: 'add-1', arguments: { a: 1, b: 2 } }),
    await client.callTool({ name: 'no-such', arguments: {} }).catch(String),
    await client.readResource({ uri: 'note://two' }, RELOAD).catch(String),
  ];
  /** The time that is left is another a moment later. */
  const timeless = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll(/"ttlMs":\d+/g, '"ttlMs":0'));

  it('is the same through the gateway, and asked once', async () => {
    const directly = await connect(new URL(upstream.url));
    const expected = await everything(directly);
    expect(expected[0]).toBe('2026-07-28');
    const through = await connect(one.url('stateless'));
    for (let time = 0; time < 3; time += 1) expect(timeless(await everything(through))).toEqual(timeless(expected));
    expect(upstream.asked.get('tools/list')).toBe(2);
    expect(upstream.asked.get('server/discover')).toBe(2);
    // A tool that nobody has listed may have changed what was read; what there is not is never kept.
    expect(upstream.asked.get('resources/read')).toBe(2 + 3 + 3);
    await Promise.all([directly.close(), through.close()]);
  });

  it('ends a list in every process before its news reaches the client', async () => {
    const [listening, asking] = await Promise.all([connect(one.url('stateless')), connect(other.url('stateless'))]);
    let heard = (): void => undefined;
    listening.setNotificationHandler('notifications/tools/list_changed', () => heard());
    const subscription = await listening.listen({ toolsListChanged: true });
    for (let version = 2; version < 12; version += 1) {
      await asking.listTools({}, RELOAD);
      const news = new Promise<void>((resolve) => (heard = resolve));
      upstream.version = version;
      upstream.toolsChanged();
      await news;
      const { tools } = await asking.listTools({}, RELOAD);
      expect(tools.map(({ name }) => name)).toContain(`add-${version}`);
    }
    await subscription.close();
    await Promise.all([listening.close(), asking.close()]);
  });

  /** By the SDK that speaks both kinds of versions. */
  const OF_BOTH = `
    const { McpServer } = require(${JSON.stringify(require.resolve('@modelcontextprotocol/server'))});
    const { serveStdio } = require(${JSON.stringify(require.resolve('@modelcontextprotocol/server/stdio'))});
    serveStdio(() => {
      const server = new McpServer({ name: 'both', version: '1' });
      server.registerTool('echo', { description: 'says so' }, () => ({ content: [{ type: 'text', text: 'echo' }] }));
      return server;
    });`;

  it.each([
    ['of the older SDK', [referenceServer('everything')]],
    ['that could do both', ['-e', OF_BOTH]],
  ])('that is a process, %s, is spoken to with sessions, by a client that can do both', async (_what, args) => {
    place.servers.set('process', server('process', { kind: 'stdio', command: process.execPath, args, env: {} }));
    const client = await connect(one.url('process'));
    expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25');
    expect((await client.listTools({}, RELOAD)).tools.map(({ name }) => name)).toContain('echo');
    await client.close();
  });

  it.each([
    ['private', 2],
    ['public', 2],
  ] as const)('trap 22: does not share what it calls %s between keys, untrusted', async (cacheScope, times) => {
    upstream.cacheScope = cacheScope;
    for (const key of ['t:a', 't:b', 't:a']) {
      const client = await connect(one.url('stateless'), key);
      await client.listTools({}, RELOAD);
      await client.close();
    }
    expect(upstream.asked.get('tools/list')).toBe(times);
  });
});
