/** What is kept, for whom, and until when. */
import { setTimeout as pause } from 'node:timers/promises';
import type { McpServer } from '../src/servers/mcp-server.js';
import { server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { RawClient } from './raw-client.js';
import { event, ScriptedServer } from './scripted-server.js';

const READS = { name: 'find', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };
const WRITES = { name: 'write', inputSchema: { type: 'object' } };
const permission = (more: object = {}) => ({ cache: true, force: false, accounting: false, ttlSeconds: null, ...more });

let place: Stand;
let one: Gateway;
let other: Gateway;
let upstream: ScriptedServer;
let names = 0;

beforeAll(async () => {
  place = await stand();
  [one, other] = await Promise.all([place.start(), place.start()]);
});
afterAll(() => place.stop());
beforeEach(async () => {
  upstream = await new ScriptedServer().start();
  upstream.answering = ({ method }) => (method === 'tools/list' ? { tools: [READS, WRITES] } : { content: [] });
});
afterEach(() => upstream.stop());

function configured(more: Partial<McpServer> = {}): string {
  const name = `s${(names += 1)}`;
  place.servers.set(name, server(name, { kind: 'http', url: upstream.url, headers: {} }, more));
  return name;
}
const client = (gateway: Gateway, name: string, key = 't:k') => new RawClient(gateway.url(name), key).connect();
const cacheOf = ({ headers }: { headers: Headers }) => headers.get('x-cache');

describe('a list', () => {
  it('is asked for once, and answered to every id with that id', async () => {
    const asking = await client(one, configured());
    const first = await asking.ask('tools/list');
    const second = await asking.ask('tools/list', { _meta: { progressToken: 7, any: 'thing' } });
    expect([cacheOf(first), cacheOf(second)]).toEqual(['MISS', 'HIT']);
    expect([first, second].map(({ messages }) => messages[0]?.['id'])).toEqual([2, 3]);
    expect(second.messages[0]).toMatchObject({ jsonrpc: '2.0', result: { tools: [READS, WRITES] } });
    expect(upstream.count('tools/list')).toBe(1);
  });

  it('is kept page by page', async () => {
    const asking = await client(one, configured());
    upstream.answering = ({ params }) => ({ tools: [], nextCursor: `after ${String(params['cursor'])}` });
    expect(await asking.result('tools/list', { cursor: 'a' })).toMatchObject({ nextCursor: 'after a' });
    expect(await asking.result('tools/list', { cursor: 'b' })).toMatchObject({ nextCursor: 'after b' });
    expect(await asking.result('tools/list', { cursor: 'a' })).toMatchObject({ nextCursor: 'after a' });
    expect(upstream.count('tools/list')).toBe(2);
  });

  it('is asked for once by however many that share it, over all processes', async () => {
    const name = configured({ share: 'principal' });
    const clients = await Promise.all(Array.from({ length: 10 }, (_, at) => client(at % 2 ? one : other, name)));
    upstream.answering = () => new Promise((resolve) => setTimeout(resolve, 50, { tools: [READS] }));
    const lists = await Promise.all(clients.flatMap((asking) => [1, 2, 3].map(() => asking.result('tools/list'))));
    expect(new Set(lists.map((list) => JSON.stringify(list)))).toEqual(new Set([JSON.stringify({ tools: [READS] })]));
    expect(upstream.count('tools/list')).toBe(1);
  });

  it('carries the time to live that is left', async () => {
    const asking = await client(one, configured());
    upstream.answering = () => ({ tools: [], ttlMs: 60_000, cacheScope: 'private' });
    await asking.ask('tools/list');
    await pause(20);
    const { ttlMs } = (await asking.result('tools/list')) as { ttlMs: number };
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThan(60_000);
  });

  it('is not answered from the cache when the request is not by the book', async () => {
    const asking = await client(one, configured());
    await asking.ask('tools/list');
    await asking.ask('tools/list', {}, { accept: 'application/json' });
    await asking.ask('tools/list', {}, { 'mcp-protocol-version': '1999-01-01' });
    await asking.ask('tools/list', {}, { 'cache-control': 'no-cache' });
    expect(upstream.count('tools/list')).toBe(4);
  });

  it('is only what is kept with only-if-cached', async () => {
    const asking = await client(one, configured());
    expect((await asking.ask('tools/list', {}, { 'cache-control': 'only-if-cached' })).status).toBe(504);
    await asking.ask('tools/list');
    expect((await asking.ask('tools/list', {}, { 'cache-control': 'only-if-cached' })).status).toBe(200);
  });
});

describe('what is shared', () => {
  const lists = async (more: Partial<McpServer>, extra: object, ...asking: [Gateway, string][]) => {
    const name = configured(more);
    upstream.answering = ({ session }) => ({ tools: [], of: session, ...extra });
    const seen: unknown[] = [];
    for (const [gateway, key] of asking) {
      const each = await client(gateway, name, key);
      await each.result('tools/list');
      seen.push(((await each.result('tools/list')) as { of: string }).of);
    }
    return new Set(seen).size;
  };

  it("trap 22: a session's list is its own", async () => {
    expect(await lists({}, {}, [one, 't:a'], [one, 't:a'], [other, 't:b'])).toBe(3);
  });
  it("trap 22: a principal's list is its own", async () => {
    expect(await lists({ share: 'principal' }, {}, [one, 't:a'], [other, 't:a'], [one, 't:b'])).toBe(2);
  });
  it('trap 22: what an untrusted server calls public is not', async () => {
    expect(await lists({}, { cacheScope: 'public' }, [one, 't:a'], [one, 't:b'])).toBe(2);
  });
  it('trap 22: what a trusted server calls private is', async () => {
    const trusted = { trust: 'public' as const, share: 'public' as const };
    const found = await lists(
      trusted,
      { cacheScope: 'private' },
      [one, 't:a'],
      [one, 't:b'],
      [one, 't:c'],
      [other, 't:a'],
    );
    // The last one has the list of the first.
    expect(found).toBe(3);
  });
  it('what a trusted server calls public is, within the tenant', async () => {
    const trusted = { trust: 'public' as const };
    expect(await lists(trusted, { cacheScope: 'public' }, [one, 't:a'], [other, 't:b'], [one, 'u:a'])).toBe(2);
  });

  it('depends on what the client can do', async () => {
    const name = configured({ share: 'public' });
    const plain = await new RawClient(one.url(name)).connect();
    const able = await new RawClient(one.url(name)).connect({ sampling: {} });
    await plain.ask('tools/list');
    await able.ask('tools/list');
    expect(upstream.count('tools/list')).toBe(2);
  });
});

describe('a change', () => {
  it('ends the list in every process before its news reaches the client', async () => {
    const name = configured({ share: 'principal' });
    let version = 0;
    upstream.answering = () => ({ tools: [], version });
    const [listening, asking] = await Promise.all([client(one, name), client(other, name)]);
    const leave = new AbortController();
    let heard = (): void => undefined;
    await listening.listen(leave.signal, () => heard());
    for (let round = 1; round <= 30; round += 1) {
      await asking.result('tools/list');
      const news = new Promise<void>((resolve) => (heard = resolve));
      version = round;
      upstream.notify('notifications/tools/list_changed');
      await news;
      expect(await asking.result('tools/list')).toEqual({ tools: [], version: round });
    }
    leave.abort();
  });

  it('defeats a list that is on its way', async () => {
    const asking = await client(one, configured());
    const news = Promise.withResolvers<void>();
    await asking.listen(new AbortController().signal, () => news.resolve());
    let release = (): void => undefined;
    upstream.answering = () => new Promise((resolve) => (release = () => resolve({ tools: [], version: 'old' })));
    const old = asking.result('tools/list');
    while (upstream.count('tools/list') === 0) await new Promise(setImmediate);
    upstream.notify('notifications/tools/list_changed');
    await news.promise;
    release();
    expect(await old).toMatchObject({ version: 'old' });
    upstream.answering = () => ({ tools: [], version: 'new' });
    expect(await asking.result('tools/list')).toMatchObject({ version: 'new' });
  });

  it('of one resource ends that resource', async () => {
    const asking = await client(one, configured());
    const news = Promise.withResolvers<void>();
    await asking.listen(new AbortController().signal, () => news.resolve());
    upstream.answering = () => ({ contents: [] });
    for (const uri of ['a:1', 'a:2', 'a:1', 'a:2']) await asking.ask('resources/read', { uri });
    expect(upstream.count('resources/read')).toBe(2);
    upstream.notify('notifications/resources/updated', { uri: 'a:1' });
    await news.promise;
    for (const uri of ['a:1', 'a:2']) await asking.ask('resources/read', { uri });
    expect(upstream.count('resources/read')).toBe(3);
  });

  it('that nobody heard is no longer hidden when somebody listens again', async () => {
    const asking = await client(one, configured());
    await asking.ask('tools/list');
    await asking.listen(new AbortController().signal, () => undefined);
    await asking.ask('tools/list');
    expect(upstream.count('tools/list')).toBe(2);
  });

  it("of the session's end ends what it had", async () => {
    const asking = await client(one, configured());
    await asking.ask('tools/list');
    expect(await asking.end()).toBe(200);
    await asking.ask('tools/list');
    expect(upstream.count('tools/list')).toBe(2);
  });
});

describe('a tool', () => {
  const call = (asking: RawClient, name: string, args: object = {}) =>
    asking.ask('tools/call', { name, arguments: args });

  it('is asked every time, unless the operator allows otherwise and it only reads', async () => {
    const tools = new Map([
      ['find', permission()],
      ['write', permission()],
    ]);
    const asking = await client(one, configured({ tools }));
    for (const name of ['find', 'find']) await call(asking, name);
    // Nothing is known of it yet.
    expect(upstream.count('tools/call')).toBe(2);
    await asking.ask('tools/list');
    expect([cacheOf(await call(asking, 'find')), cacheOf(await call(asking, 'find'))]).toEqual(['MISS', 'HIT']);
    expect([cacheOf(await call(asking, 'write')), cacheOf(await call(asking, 'write'))]).toEqual([null, null]);
    const plain = await client(one, configured());
    await plain.ask('tools/list');
    expect([cacheOf(await call(plain, 'find')), cacheOf(await call(plain, 'find'))]).toEqual([null, null]);
  });

  it('that may change something ends what tools have said, and no list', async () => {
    const asking = await client(one, configured({ tools: new Map([['find', permission()]]) }));
    await asking.ask('tools/list');
    await call(asking, 'find');
    expect(cacheOf(await call(asking, 'find'))).toBe('HIT');
    await call(asking, 'write');
    expect(cacheOf(await call(asking, 'find'))).toBe('MISS');
    expect(cacheOf(await asking.ask('tools/list'))).toBe('HIT');
  });

  it('that changed something while another was asked defeats what that one says', async () => {
    const asking = await client(one, configured({ tools: new Map([['find', permission()]]) }));
    await asking.ask('tools/list');
    let release = (): void => undefined;
    upstream.answering = ({ params }) =>
      params['name'] === 'write'
        ? { content: [] }
        : new Promise((resolve) => (release = () => resolve({ content: ['old'] })));
    const old = call(asking, 'find');
    while (upstream.count('tools/call') === 0) await new Promise(setImmediate);
    await call(asking, 'write');
    release();
    await old;
    upstream.answering = () => ({ content: ['new'] });
    expect((await call(asking, 'find')).messages[0]).toMatchObject({ result: { content: ['new'] } });
  });

  it.each([
    ['failed', { content: [], isError: true }],
    ['wants to know more', { resultType: 'input_required', inputRequests: {} }],
  ])('that %s is asked again', async (_what, result) => {
    const asking = await client(one, configured({ tools: new Map([['find', permission({ force: true })]]) }));
    upstream.answering = () => result;
    expect((await call(asking, 'find')).messages[0]).toMatchObject({ result });
    await call(asking, 'find');
    expect(upstream.count('tools/call')).toBe(2);
  });

  it.each([{ inputResponses: {} }, { requestState: 'x' }])('that goes on with %j is asked', async (more) => {
    const asking = await client(one, configured({ tools: new Map([['find', permission({ force: true })]]) }));
    for (let time = 0; time < 2; time += 1) await asking.ask('tools/call', { name: 'find', ...more });
    expect(upstream.count('tools/call')).toBe(2);
  });

  it('with accounting lies where accounting is, with its segment', async () => {
    const asking = await client(one, configured({ tools: new Map([['find', permission({ force: true })]]) }));
    upstream.answering = () => ({ content: ['x'], _meta: { tokens_used: 12, cost_usd: 0.5 } });
    const segment = { 'x-segmento': 'premium' };
    const params = { name: 'find', arguments: { of: 'accounting' } };
    for (const expected of ['MISS', 'HIT'])
      expect(cacheOf(await asking.ask('tools/call', params, segment))).toBe(expected);
    // Nobody says that it accounts: found out once, and kept there from then on.
    const found: (string | null)[] = [];
    for (let time = 0; time < 3; time += 1) found.push(cacheOf(await asking.ask('tools/call', params)));
    expect(found).toEqual(['MISS', 'MISS', 'HIT']);
  });
});

describe('in between', () => {
  it('what the server says before its answer reaches the client, and an answer without questions is kept', async () => {
    const asking = await client(one, configured());
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } };
    upstream.answering = (_asked, reply) => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(progress));
      return { contents: [] };
    };
    const first = await asking.ask('resources/read', { uri: 'a:1' });
    expect(first.messages).toEqual([progress, expect.objectContaining({ id: 2, result: { contents: [] } })]);
    expect((await asking.ask('resources/read', { uri: 'a:1' })).messages).toHaveLength(1);
    expect(upstream.count('resources/read')).toBe(1);
  });

  it('an answer that hung on a question to the client is his alone', async () => {
    const asking = await client(one, configured({ share: 'public' }));
    upstream.answering = (_asked, reply) => {
      const question = event({ jsonrpc: '2.0', id: 'q', method: 'sampling/createMessage', params: {} });
      reply.writeHead(200, { 'content-type': 'text/event-stream' }).write(question);
      return { contents: [] };
    };
    for (let time = 0; time < 2; time += 1) {
      expect((await asking.ask('resources/read', { uri: 'a:1' })).messages).toHaveLength(2);
    }
    expect(upstream.count('resources/read')).toBe(2);
  });
});
