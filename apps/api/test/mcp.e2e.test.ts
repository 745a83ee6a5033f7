/** The MCP gateway through the whole API: configured by its routes, asked by the official client. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { drain } from '@promptsales/http-edge';
import { startChangingTools } from '@promptsales/test-kit';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import request from 'supertest';
import { SECRETS, testApi, type TestApi } from './test-api.js';

const require = createRequire(__filename);
const EVERYTHING = join(
  dirname(require.resolve('@modelcontextprotocol/server-everything/package.json')),
  'dist/index.js',
);
const SECRET = 'mcp-credential-0123456789';

describe('the MCP gateway', () => {
  let api: TestApi;
  let base: string;
  beforeAll(async () => {
    api = await testApi({ MCP_STDIO_ALLOW: process.execPath });
    await api.app.listen(0, '127.0.0.1');
    base = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await drain(api.server, 1000);
    await api.close();
  });

  const put = (name: string, body: object) =>
    request(api.server).put(`/v1/mcp/servers/${name}`).set(api.admin).send(body);
  const connect = async (name: string, headers: Record<string, string>) => {
    const client = new Client({ name: 'e2e', version: '1' });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${base}/mcp/${name}`), { requestInit: { headers } }),
    );
    return client;
  };

  it('serves a server as soon as it is stored, and forgets it as soon as it is removed', async () => {
    const stored = await put('everything', { command: process.execPath, args: [EVERYTHING], env: { TOKEN: SECRET } });
    expect(stored.status).toBe(201);
    expect(stored.body).toMatchObject({
      name: 'everything',
      env: { TOKEN: 'mcp-…789' },
      share: 'session',
      status: null,
    });
    const client = await connect('everything', api.admin);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('echo');
    const { content } = await client.callTool({ name: 'get-env', arguments: {} });
    expect(JSON.stringify(content)).toContain(SECRET);
    await client.close();
    await request(api.server).delete('/v1/mcp/servers/everything').set(api.admin).expect(204);
    await expect(connect('everything', api.admin)).rejects.toThrow('server_not_found');
  });

  it('trap 30: secrets of a server are masked, and a mask is not sent elsewhere', async () => {
    const url = 'https://one.example/mcp';
    await put('masked', { url, headers: { authorization: `Bearer ${SECRET}` } }).expect(201);
    const shown = await request(api.server).get('/v1/mcp/servers/masked').set(api.admin).expect(200);
    expect(JSON.stringify(shown.body)).not.toContain(SECRET);
    await put('masked', { ...(shown.body as object), ttl_cap: 5 }).expect(200);
    const moved = await put('masked', { ...(shown.body as object), url: 'https://other.example/mcp' }).expect(422);
    expect(moved.body).toMatchObject({ code: 'secret_mask', errors: [{ path: 'headers.authorization' }] });
    expect(api.logged()).not.toContain(SECRET);
    const { body } = await request(api.server).get('/v1/audit').set(api.admin).expect(200);
    expect(JSON.stringify(body)).toContain('mcp_server:masked');
    expect(JSON.stringify(body)).not.toContain(SECRET);
    await request(api.server).delete('/v1/mcp/servers/masked').set(api.admin).expect(204);
  });

  it('shows a tenant its own servers and those of the default tenant, whose way and secrets are not shown', async () => {
    const acme = await api.keyOf('acme', ['admin']);
    const as = (key: Record<string, string>, name = '') =>
      request(api.server)
        .get(`/v1/mcp/servers${name}`)
        .set(key)
        .expect(200)
        .then(({ body }) => body as Record<string, unknown>);
    const reached = { url: `https://a.example/${SECRET}/mcp`, headers: { authorization: `Bearer ${SECRET}` } };
    for (const name of ['a', 'b', 'c']) await put(name, reached).expect(201);
    const own = { url: 'https://b.example/mcp', headers: { authorization: 'Bearer of acme itself, and long' } };
    await request(api.server).put('/v1/mcp/servers/b').set(acme).send(own).expect(201);
    await request(api.server)
      .put('/v1/mcp/servers/theirs')
      .set(await api.keyOf('other', ['admin']))
      .send(own)
      .expect(201);

    const { servers } = (await as(acme)) as { servers: Record<string, unknown>[] };
    expect(servers).toMatchObject([
      { name: 'a', tenant: 'default' },
      { name: 'b', tenant: 'acme' },
      { name: 'c', tenant: 'default' },
    ]);
    expect(servers).toHaveLength(3);
    const first = (await as(acme, '?limit=1')) as { next_cursor: string };
    expect(await as(acme, `?limit=1&cursor=${first.next_cursor}`)).toMatchObject({ servers: [servers[1]] });
    for (const shared of [servers[0], await as(acme, '/a')]) {
      expect(shared).toMatchObject({ name: 'a', tenant: 'default', share: 'session', status: null });
      for (const member of ['url', 'headers', 'command', 'args', 'env']) expect(shared).not.toHaveProperty(member);
    }
    expect(await as(acme, '/b')).toMatchObject({ tenant: 'acme', url: own.url, headers: expect.anything() });
    expect(await as(api.admin as Record<string, string>, '/b')).toMatchObject({ tenant: 'default', url: reached.url });
    // Seen, and not theirs to change.
    await request(api.server).delete('/v1/mcp/servers/a').set(acme).expect(404);
    await request(api.server).get('/v1/mcp/servers/theirs').set(acme).expect(404);
    for (const name of ['a', 'b', 'c']) await request(api.server).delete(`/v1/mcp/servers/${name}`).set(api.admin);
  });

  it.each([
    [{}, ''],
    [{ url: 'https://a.example', command: 'node' }, ''],
    [{ url: 'ftp://a.example' }, 'url'],
    [{ url: 'https://user:pass@a.example' }, 'url'],
    [{ command: '/bin/sh' }, 'command'],
    [{ url: 'https://a.example', headers: { host: 'b' } }, 'headers.host'],
    [{ url: 'https://a.example', headers: { a: 'b\r\nc: d' } }, 'headers.a'],
    [{ url: 'https://a.example', share: 'world' }, 'share'],
    [{ url: 'https://a.example', tools: { t: { cache: 'yes' } } }, 'tools.t.cache'],
    [{ url: 'https://a.example', ttl_cap: 0 }, 'ttl_cap'],
    [{ url: 'https://a.example', more: 1 }, 'more'],
  ])('refuses %j', async (body, path) => {
    const { body: answer } = await put('refused', body).expect(400);
    expect(answer).toMatchObject({
      code: 'validation_failed',
      errors: expect.arrayContaining([expect.objectContaining({ path })]),
    });
  });

  it('wants a key with the scope mcp, and says so in JSON-RPC', async () => {
    const nobody = await request(api.server).post('/mcp/x').send({}).expect(401);
    expect(nobody.body).toMatchObject({ jsonrpc: '2.0', error: { data: { code: 'unauthenticated' } }, id: null });
    const other = await request(api.server)
      .post('/mcp/x')
      .set(await api.keyOf('acme', ['llm']))
      .send({})
      .expect(403);
    expect(other.body).toMatchObject({ jsonrpc: '2.0', error: { data: { code: 'forbidden' } } });
    const mcp = await api.keyOf('acme', ['mcp']);
    await request(api.server).put('/v1/mcp/servers/mine').set(mcp).send({ url: 'https://a.example' }).expect(403);
  });

  it('trap 30: counts answers, refusals and calls by server and method, and names no tenant, key or tool', async () => {
    const upstream = await startChangingTools();
    const before = await seriesOf(api);
    for (const name of ['counted', 'unheard-of']) {
      const by = name === 'counted' ? api.admin : await api.keyOf('acme', ['admin']);
      await request(api.server).put(`/v1/mcp/servers/${name}`).set(by).send({ url: upstream.url }).expect(201);
    }
    const client = await connect('counted', api.admin);
    for (let time = 0; time < 2; time += 1) await client.listTools();
    await expect(client.callTool({ name: 'told-to-nobody' })).rejects.toThrow('Method not found');
    await client.close();
    const theirs = await connect('unheard-of', await api.keyOf('acme', ['mcp']));
    await theirs.close();
    await expect(connect('nowhere', api.admin)).rejects.toThrow('server_not_found');
    const after = await seriesOf(api);
    const more = [...after].filter(([series, count]) => count !== before.get(series));
    expect(Object.fromEntries(more)).toMatchObject({
      'mcp_answers_total{server="counted",method="initialize",outcome="passed"}': 1,
      'mcp_answers_total{server="counted",method="tools/list",outcome="miss"}': 1,
      'mcp_answers_total{server="counted",method="tools/list",outcome="hit"}': 1,
      'mcp_answers_total{server="counted",method="tools/call",outcome="passed"}': 1,
      'mcp_answers_total{server="_other",method="initialize",outcome="passed"}': 1,
      'mcp_upstream_seconds_count{server="counted",method="tools/list"}': 1,
      'mcp_refused_total{why="server_not_found"}': (before.get('mcp_refused_total{why="server_not_found"}') ?? 0) + 1,
    });
    expect([...after.keys()].join('\n')).not.toMatch(/unheard-of|acme|told-to-nobody/);
    await upstream.stop();
  });

  it('lets a client call only its tools, and only while it is active', async () => {
    await put('limited', { command: process.execPath, args: [EVERYTHING] }).expect(201);
    const key = await api.keyOf('acme', ['mcp', 'records']);
    const configuration = {
      tools_acceso: ['echo'],
      rate_limit: '500/minuto',
      max_requests_hora: 1000,
      estado: 'activo',
    };
    const configure = (estado: string) =>
      request(api.server)
        .put('/v1/clients/acme/config')
        .set(key)
        .send({ ...configuration, estado });
    expect((await configure('activo')).status).toBeLessThan(300);
    const client = await connect('limited', key);
    await expect(client.callTool({ name: 'echo', arguments: { message: 'hi' } })).resolves.toBeDefined();
    await expect(client.callTool({ name: 'get-env', arguments: {} })).rejects.toThrow('tool_not_allowed');
    await configure('suspendido').expect(200);
    await expect(client.callTool({ name: 'echo', arguments: { message: 'hi' } })).rejects.toThrow('client_not_active');
    await client.close();
    expect(api.logged()).not.toContain(SECRETS.encryptionKey);
  });
});

/** The gateway's metrics. */
async function seriesOf(api: TestApi): Promise<Map<string, number>> {
  const { text } = await request(api.server).get('/metrics').set(api.admin).expect(200);
  return new Map(
    [...text.matchAll(/^(mcp_\w+\{.*\}) ([\d.e-]+)$/gm)].map(([, series = '', value]) => [
      series.replace(/,service="\w+"|service="\w+",?/, ''),
      Number(value),
    ]),
  );
}
