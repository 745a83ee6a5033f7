/** Clients and servers that do not behave. */
import { until } from '@promptsales/test-kit';
import { once } from 'node:events';
import { server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { RawClient } from './raw-client.js';
import { event, ScriptedServer } from './scripted-server.js';

let place: Stand;
let gateway: Gateway;
let upstream: ScriptedServer;

beforeAll(async () => {
  place = await stand();
  gateway = await place.start();
});
afterAll(() => place.stop());
beforeEach(async () => {
  upstream = await new ScriptedServer().start();
  place.servers.set('http', server('http', { kind: 'http', url: upstream.url, headers: {} }));
});
afterEach(() => upstream.stop());

const codeOf = ({ messages }: { messages: readonly Record<string, unknown>[] }) =>
  (messages.at(-1)?.['error'] as { data?: { code: string } } | undefined)?.data?.code;
/** Begun in a process that waits as long as it takes. */
const connectedElsewhere = async (url: URL): Promise<RawClient> => {
  const client = new RawClient(url);
  client.session = (await new RawClient(new URL(url.pathname, gateway.url('x'))).connect()).session;
  return client;
};
const ping = (more: object = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', ...more });
const child = (name: string, code: string) =>
  place.servers.set(name, server(name, { kind: 'stdio', command: process.execPath, args: ['-e', code], env: {} }));

describe('a client', () => {
  it.each([
    ['{"jsonrpc":"2.0"', 'body_not_json'],
    ['\u0000', 'body_not_json'],
    ['', 'body_not_json'],
    [`[${ping()}]`, 'batch_not_allowed'],
    ['[]', 'batch_not_allowed'],
    ['null', 'not_json_rpc'],
    ['{"id":1,"method":"ping"}', 'not_json_rpc'],
    [ping({ jsonrpc: '1.0' }), 'not_json_rpc'],
    [ping({ method: 7 }), 'not_json_rpc'],
    [ping({ params: [1] }), 'invalid_params'],
    [ping({ id: null }), 'invalid_id'],
    [ping({ id: {} }), 'invalid_id'],
    ['['.repeat(100_000), 'body_too_deep'],
  ])('that sends %.40s is told so, and its server nothing', async (body, code) => {
    const asking = await new RawClient(gateway.url('http')).connect();
    const before = upstream.asked.length;
    const told = await asking.send(body);
    expect(told.status).toBe(400);
    expect(codeOf(told)).toBe(code);
    expect(upstream.asked).toHaveLength(before);
  });

  it('that may not call everything cannot hide a call in a body that can be read in two ways', async () => {
    place.permissions.set('limited', { active: true, tools: [], admit: async () => ({ refused: null, headers: {} }) });
    const asking = await new RawClient(gateway.url('http'), 't:limited').connect();
    const before = upstream.asked.length;
    for (const body of [
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"write"}}',
      '{"jsonrpc":"2.0","method":"tools/call","id":1,"params":{"name":"write"},"method":"notifications/x"}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write","name":"x"}}',
    ]) {
      expect(codeOf(await asking.send(body))).toBe('ambiguous_json');
    }
    expect(codeOf(await asking.ask('tools/call', { name: 'write' }))).toBe('tool_not_allowed');
    expect(upstream.asked).toHaveLength(before);
  });

  it('cannot use the session of another key, or one that it made up', async () => {
    const asking = await new RawClient(gateway.url('http'), 't:a').connect();
    const thief = new RawClient(gateway.url('http'), 't:b');
    for (const session of [asking.session, 'made-up', upstream.asked[0]?.session ?? 'x']) {
      thief.session = session;
      const told = await thief.ask('ping');
      expect([told.status, codeOf(told)]).toEqual([404, 'session_not_found']);
    }
    expect(upstream.count('ping')).toBe(0);
  });

  it('may send no header to the server but those of the protocol', async () => {
    const asking = await new RawClient(gateway.url('http')).connect();
    await asking.ask(
      'ping',
      {},
      { cookie: 'c=1', authorization: 'Bearer mine', 'x-forwarded-host': 'evil', 'mcp-x': 'y' },
    );
    const { headers } = upstream.asked.at(-1) as { headers: Record<string, string> };
    expect(headers).toMatchObject({ 'mcp-x': 'y', 'content-type': 'application/json' });
    for (const name of ['cookie', 'authorization', 'x-forwarded-host', 'x-api-key'])
      expect(headers).not.toHaveProperty(name);
  });

  it('without a key must not be a page of elsewhere', async () => {
    const url = gateway.url('http');
    const post = (headers: Record<string, string>) => fetch(url, { method: 'POST', body: ping(), headers });
    expect((await post({ origin: 'http://evil.example' })).status).toBe(403);
    expect((await post({ origin: url.origin })).status).toBe(200);
    expect((await post({ origin: 'http://evil.example', 'x-api-key': 't:k' })).status).toBe(200);
  });

  it('that wants a server that there is not is told so', async () => {
    const told = await new RawClient(gateway.url('nowhere')).ask('ping');
    expect([told.status, codeOf(told)]).toEqual([404, 'server_not_found']);
  });

  it('trap 12: may name tools and resources as it likes', async () => {
    const tool = { cache: true, force: true, accounting: false, ttlSeconds: null };
    const hostile = ['a:b', '*', '..', 'x\u0000y', '__proto__', ' ', 'é'.repeat(5000)];
    const tools = new Map(hostile.map((name) => [name, tool]));
    place.servers.set('hostile', server('hostile', { kind: 'http', url: upstream.url, headers: {} }, { tools }));
    const asking = await new RawClient(gateway.url('hostile')).connect();
    upstream.answering = ({ params }) => ({ content: [params['name'] ?? params['uri']] });
    for (const name of [...hostile, ...hostile]) {
      expect(await asking.result('tools/call', { name })).toEqual({ content: [name] });
      expect(await asking.result('resources/read', { uri: name })).toEqual({ content: [name] });
    }
    expect(place.failures).toEqual([]);
  });
});

it('trap 7: what is asked with a header of the protocol more is another question', async () => {
  const reached = { kind: 'http', url: upstream.url, headers: {} } as const;
  place.servers.set('shared', server('shared', reached, { share: 'public' }));
  upstream.answering = ({ headers }) => ({ tools: [{ name: String(headers['mcp-x']) }] });
  const [one, other] = await Promise.all(
    ['t:a', 't:b'].map((key) => new RawClient(gateway.url('shared'), key).connect()),
  );
  expect(await one?.result('tools/list', {}, { 'mcp-x': 'evil' })).toEqual({ tools: [{ name: 'evil' }] });
  expect(await other?.result('tools/list')).toEqual({ tools: [{ name: 'undefined' }] });
});

it('trap 7: what was shared while a server was trusted is not shared behind that', async () => {
  const configured = (trust: 'public' | 'private') =>
    place.servers.set('trust', server('trust', { kind: 'http', url: upstream.url, headers: {} }, { trust }));
  let count = 0;
  upstream.answering = () => ({
    tools: [{ name: String((count += 1)) }],
    cacheScope: count === 1 ? 'private' : 'public',
  });
  const connected = (key: string) => new RawClient(gateway.url('trust'), key).connect();
  const toolsOf = async (client: RawClient) => JSON.stringify(await client.result('tools/list'));
  configured('public');
  const [ana, eva] = [await connected('t:a'), await connected('t:b')];
  for (let time = 0; time < 4; time += 1) await toolsOf(ana);
  configured('private');
  expect(await toolsOf(eva)).not.toBe(await toolsOf(ana));
});

describe('a server', () => {
  it('that breaks off, redirects, wants another credential or is gone is a clear error, and what is kept is served', async () => {
    const asking = await new RawClient(gateway.url('http')).connect();
    upstream.answering = () => ({ tools: [] });
    await asking.ask('tools/list');
    const codes: unknown[] = [];
    upstream.answering = (_asked, reply) => reply.writeHead(302, { location: 'http://127.0.0.1/' }).end();
    codes.push(codeOf(await asking.ask('ping')));
    upstream.answering = (_asked, reply) => reply.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    codes.push(codeOf(await asking.ask('ping')));
    upstream.answering = (_asked, reply) =>
      reply.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
    codes.push(codeOf(await asking.ask('resources/list')));
    upstream.answering = (_asked, reply) =>
      reply.writeHead(200, { 'content-type': 'application/json' }).end('{"half":');
    codes.push(codeOf(await asking.ask('resources/list')));
    upstream.answering = (_asked, reply) => void reply.destroy();
    codes.push(codeOf(await asking.ask('ping')));
    expect(codes).toEqual([
      'upstream_redirects',
      'upstream_unauthorized',
      'upstream_broke_off',
      'upstream_broke_off',
      'upstream_unreachable',
    ]);
    expect((await asking.ask('tools/list')).headers.get('x-cache')).toBe('HIT');
  });

  it('that begins an answer and falls silent keeps nobody waiting for ever, in no process', async () => {
    const reached = { kind: 'http', url: upstream.url, headers: {} } as const;
    place.servers.set('silent', server('silent', reached, { share: 'public' }));
    const [here, there] = [await place.start({ timeoutMs: 2000 }), await place.start({ timeoutMs: 2000 })];
    const clients = await Promise.all([here, here, there].map((one) => connectedElsewhere(one.url('silent'))));
    upstream.answering = async (_asked, reply) => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n');
      await once(reply, 'close');
    };
    const told = await Promise.all(clients.map((client) => client.ask('resources/list')));
    expect(told.map(codeOf)).toEqual(Array.from({ length: 3 }, () => 'upstream_timeout'));
    upstream.answering = () => ({ resources: [] });
    expect(await clients[0]?.result('resources/list')).toEqual({ resources: [] });
  });

  it.each([
    [
      'has begun in events',
      'text/event-stream',
      'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n',
    ],
    ['has not begun', null, ''],
  ])('that falls silent in an answer for one client alone, and %s, is given up', async (_what, type, begun) => {
    const patient = await place.start({ timeoutMs: 2000 });
    const asking = await connectedElsewhere(patient.url('http'));
    const closed = Promise.withResolvers<void>();
    upstream.answering = async (_asked, reply) => {
      reply.once('close', closed.resolve);
      if (type !== null) reply.writeHead(200, { 'content-type': type }).write(begun);
      await closed.promise;
    };
    const told = await asking.ask('tools/call', { name: 'write' });
    expect(codeOf(told)).toBe('upstream_timeout');
    expect(told.status).toBe(type === null ? 504 : 200);
    // It is not kept waiting either.
    await closed.promise;
    await patient.stop();
  });

  it('that tells without end is let go of when its client has left', async () => {
    const asking = await new RawClient(gateway.url('http')).connect();
    const closed = Promise.withResolvers<void>();
    upstream.answering = async (_asked, reply) => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' });
      const telling = setInterval(() => reply.write(event({ jsonrpc: '2.0', method: 'notifications/x' })), 5);
      reply.once('close', closed.resolve);
      await closed.promise;
      clearInterval(telling);
    };
    const left = new AbortController();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'write' } });
    const response = await fetch(asking.url, { method: 'POST', body, headers: asking.headers, signal: left.signal });
    const read = response.body?.getReader();
    expect(Buffer.from((await read?.read())?.value ?? []).toString()).toContain('notifications/x');
    left.abort();
    await closed.promise;
  });

  it('that answers in HTTP is passed on', async () => {
    const asking = await new RawClient(gateway.url('http')).connect();
    const error = { jsonrpc: '2.0', id: 2, error: { code: -32602, message: 'no' } };
    upstream.answering = (_asked, reply) =>
      reply.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(error));
    for (const method of ['tools/list', 'ping']) {
      const told = await asking.ask(method);
      expect([told.status, told.messages]).toEqual([400, [error]]);
    }
  });

  it('that cannot be started, or ends at once, is a clear error', async () => {
    const no = server('no', { kind: 'stdio', command: '/no/such/command', args: [], env: {} });
    place.servers.set('no', no);
    const refused = await new RawClient(gateway.url('no')).ask('initialize', { protocolVersion: '2025-11-25' });
    expect([refused.status, codeOf(refused)]).toEqual([502, 'upstream_not_allowed']);
    child('ends', 'process.exit(3)');
    const ended = await new RawClient(gateway.url('ends')).ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    });
    expect(codeOf(ended)).toBe('upstream_broke_off');
  });

  const SERVER = `
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    let rest = '';
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n');
      rest = lines.pop();
      for (const line of lines) {
        const { id, method, params } = JSON.parse(line);
        if (method === 'initialize')
          say({ id, result: { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } } });
        else if (id !== undefined) act(method, id);
      }
    });`;

  it('is not started where there are as many processes of all servers as there may be', async () => {
    const few = await place.start({ mostProcesses: 1 });
    for (const name of ['first', 'second']) child(name, `${SERVER} const act = () => undefined;`);
    const asking = await new RawClient(few.url('first')).connect();
    const before = place.asked.get('first') ?? 0;
    const waiting = asking.ask('ping');
    await until(() => (place.asked.get('first') ?? 0) > before);
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    const refused = await new RawClient(few.url('second')).ask('initialize', params);
    expect([refused.status, codeOf(refused)]).toEqual([503, 'upstream_too_busy']);
    await asking.end();
    await waiting;
    expect((await new RawClient(few.url('second')).connect()).session).not.toBeNull();
    // An idle session gives way, whichever of its tenant's servers it is with.
    expect((await new RawClient(few.url('first')).connect()).session).not.toBeNull();
    await few.stop();
  });

  it('that floods stderr and talks nonsense goes on serving', async () => {
    child(
      'floods',
      `${SERVER}
      const act = (method, id) => {
        for (let at = 0; at < 200; at += 1) process.stderr.write('x'.repeat(64 * 1024));
        process.stdout.write('no JSON\\n');
        say({ id, result: { method } });
      };`,
    );
    const asking = await new RawClient(gateway.url('floods')).connect();
    for (let time = 0; time < 3; time += 1) expect(await asking.result('ping')).toEqual({ method: 'ping' });
    await asking.end();
  });

  it('that dies in a call fails the call, and the session is over', async () => {
    child('dies', `${SERVER} const act = () => process.exit(1);`);
    const asking = await new RawClient(gateway.url('dies')).connect();
    expect(codeOf(await asking.ask('ping'))).toBe('upstream_broke_off');
    const later = await asking.ask('ping');
    expect([later.status, later.messages[0]]).toEqual([404, expect.objectContaining({ error: expect.anything() })]);
    // Its client begins another.
    expect((await new RawClient(gateway.url('dies')).connect()).session).not.toBeNull();
  });
});
