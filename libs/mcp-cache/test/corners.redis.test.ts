/** What the protocol allows and seldom happens, through the gateway. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { RedisRoles } from '@promptsales/cache-core';
import { until } from '@promptsales/test-kit';
import { server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { RawClient } from './raw-client.js';
import { event, ScriptedServer } from './scripted-server.js';

const EVENTS = { 'content-type': 'text/event-stream' };

let place: Stand;
let gateway: Gateway;
let upstream: ScriptedServer;
let roles: RedisRoles;

beforeAll(async () => {
  place = await stand();
  gateway = await place.start();
  roles = new RedisRoles({ url: place.redis.url }).open();
  await roles.link('state').untilUp(30_000);
});
afterAll(async () => {
  await roles?.close();
  await place.stop();
});
beforeEach(async () => {
  upstream = await new ScriptedServer().start();
  upstream.answering = ({ params }) => ({ contents: [{ uri: params['uri'], text: 'x' }] });
  const allowed = { cache: true, force: true, accounting: false, ttlSeconds: 60 };
  place.servers.set(
    'shared',
    server(
      'shared',
      { kind: 'http', url: upstream.url, headers: {} },
      { share: 'principal', tools: new Map([['work', allowed]]) },
    ),
  );
});
afterEach(() => upstream.stop());

/** By which processes tell one another that somebody listens. */
const marks = () => roles.link('state').readAt('', (client) => client.keys('mcp:listener:*'));
const connected = () => new RawClient(gateway.url('shared')).connect();
const read = (id: unknown, uri = 'u://x') =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'resources/read', params: { uri } });
const textOf = async (client: RawClient, body: string) =>
  (await fetch(client.url, { method: 'POST', body, headers: client.headers })).text();

it('a client that withdraws its request withdraws it for itself: who waits with it gets the answer', async () => {
  const [one, other] = await Promise.all([connected(), connected()]);
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  upstream.answering = async () => {
    asked.resolve();
    await answered.promise;
    return { contents: [{ uri: 'u://x', text: 'one answer' }] };
  };
  const first = one.send(read('mine'));
  await asked.promise;
  const seen = jest.spyOn(place.permissions, 'get');
  const second = other.send(read(7));
  await until(() => seen.mock.calls.length > 0);
  seen.mockRestore();
  const withdrawal = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'mine' } };
  expect((await one.send(JSON.stringify(withdrawal))).status).toBe(202);
  expect((await first).messages).toEqual([expect.objectContaining({ id: 'mine', error: expect.anything() })]);
  answered.resolve();
  const { messages, headers } = await second;
  expect(messages).toMatchObject([{ id: 7, result: { contents: [{ text: 'one answer' }] } }]);
  // Had it come too late to wait with the first, it would have asked for itself.
  const together = headers.get('x-cache') === 'COALESCED';
  const counts = [upstream.count('notifications/cancelled'), upstream.count('resources/read')];
  expect(counts).toEqual(together ? [0, 1] : [1, 2]);
});

it('a request that nobody else waits for is withdrawn from the server, too', async () => {
  const one = await connected();
  upstream.answering = ({ params }) => (params['uri'] === 'u://never' ? new Promise(() => undefined) : {});
  const first = one.send(read(1, 'u://never'));
  await until(() => upstream.count('resources/read') === 1);
  await one.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }));
  await first;
  expect(upstream.count('notifications/cancelled')).toBe(1);
});

it('a task that a tool was called as is nobody else’s, and what it did is known when its result is', async () => {
  let tasks = 0;
  upstream.answering = ({ method, params }) => {
    if (method === 'tools/call') return { task: { taskId: String((tasks += 1)), status: 'working' } };
    return { contents: [{ uri: params['uri'], text: String(tasks) }] };
  };
  const one = await connected();
  const call = () => one.result('tools/call', { name: 'work', arguments: {}, task: { ttl: 1000 } });
  expect([await call(), await call()]).toMatchObject([{ task: { taskId: '1' } }, { task: { taskId: '2' } }]);
  const before = await one.result('resources/read', { uri: 'u://x' });
  tasks = 9;
  expect(await one.result('resources/read', { uri: 'u://x' })).toEqual(before);
  await one.ask('tasks/result', { taskId: '1' });
  expect(await one.result('resources/read', { uri: 'u://x' })).toMatchObject({ contents: [{ text: '9' }] });
});

it('a server that closes a stream to be asked for the rest later is not said to have broken off', async () => {
  upstream.answering = (_asked, reply) => void reply.writeHead(200, EVENTS).end('id: 7\nretry: 10\ndata: \n\n');
  const one = await connected();
  expect(await textOf(one, read(1))).toBe('id: 7\nretry: 10\ndata: \n\n');
  // Without an event that could be named, nothing can be asked for.
  upstream.answering = (_asked, reply) => void reply.writeHead(200, EVENTS).end(': ping\n\n');
  expect(await textOf(one, read(1))).toContain('upstream_broke_off');
});

it('who takes up a stream that was broken off does not listen to what else the server says', async () => {
  place.servers.set(
    'shared',
    server('shared', { kind: 'http', url: upstream.url, headers: {} }, { share: 'principal' }),
  );
  upstream.answering = () => ({ tools: [] });
  const one = await connected();
  const leaving = new AbortController();
  await fetch(one.url, {
    headers: { ...one.headers, accept: 'text/event-stream', 'last-event-id': '7' },
    signal: leaving.signal,
  });
  expect(await marks()).toEqual([]);
  await one.listen(leaving.signal, () => undefined);
  expect(await marks()).toHaveLength(1);
  leaving.abort();
  await until(async () => (await marks()).length === 0);
});

it('who subscribes to some lists only does not listen for those who want to know of others', async () => {
  upstream.answering = (_asked, reply) => {
    reply.writeHead(200, EVENTS).flushHeaders();
    return new Promise(() => undefined);
  };
  const one = new RawClient(gateway.url('shared'), 't:k', '2026-07-28');
  const leaving = new AbortController();
  const subscribe = async (notifications: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications } });
    await fetch(one.url, { method: 'POST', body, headers: one.headers, signal: leaving.signal });
    return (await marks()).length;
  };
  const some = { toolsListChanged: true, promptsListChanged: true };
  expect([await subscribe(some), await subscribe({ ...some, resourcesListChanged: true })]).toEqual([0, 1]);
  leaving.abort();
});

it.each(['9007199254740993', '-9007199254740993'])(
  'the id %s, which JavaScript cannot hold, comes back',
  async (id) => {
    const one = await connected();
    await textOf(one, read(1));
    upstream.answering = (_asked, reply) =>
      void reply
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"jsonrpc":"2.0","id":${id},"result":{"contents":[]}}`);
    expect(await textOf(one, read('ID').replace('"ID"', id))).toContain(`"id":${id}`);
  },
);

it('a tool that answers behind its header has worked until its answer’s end', async () => {
  let value = 'before';
  let reply: ServerResponse | undefined;
  const begun = Promise.withResolvers<void>();
  upstream.answering = ({ method }, its) => {
    if (method !== 'tools/call') return { contents: [{ uri: 'u://x', text: value }] };
    reply = its;
    its.writeHead(200, { 'content-type': 'application/json' }).write('{"jsonrpc":"2.0",');
    begun.resolve();
    return new Promise(() => undefined);
  };
  const one = await connected();
  const called = one.ask('tools/call', { name: 'write' });
  const asked = place.asked.get('shared') ?? 0;
  await begun.promise;
  await until(() => (place.asked.get('shared') ?? 0) > asked);
  await until(async () => (await one.ask('resources/read', { uri: 'u://x' })).headers.get('x-cache') === 'HIT');
  value = 'after';
  reply?.end('"id":2,"result":{"content":[]}}');
  await called;
  expect(await one.result('resources/read', { uri: 'u://x' })).toMatchObject({ contents: [{ text: 'after' }] });
});

it('an answer that nobody reads, since its server refuses the credential, is hung up on', async () => {
  const closed = Promise.withResolvers<unknown>();
  upstream.answering = (_asked, reply) => {
    reply.writeHead(401, { 'content-type': 'text/plain' });
    reply.write(Buffer.alloc(8 * 1024 * 1024));
    closed.resolve(once(reply, 'close'));
    return new Promise(() => undefined);
  };
  const one = await connected();
  expect((await one.send(read(1))).status).toBe(502);
  await closed.promise;
});

it('a failure behind the first event is told to whoever looks after the gateway', async () => {
  upstream.answering = (_asked, reply) => {
    reply.writeHead(200, EVENTS).end(event({ jsonrpc: '2.0', method: 'notifications/message', params: {} }));
  };
  const one = await connected();
  place.failures.length = 0;
  expect(await textOf(one, read(1, 'u://late'))).toContain('upstream_broke_off');
  expect(place.failures).toHaveLength(1);
});

it('a server is asked to pack nothing, since what it says is looked into', async () => {
  const one = await connected();
  await one.ask('ping');
  expect(upstream.asked.at(-1)?.headers['accept-encoding']).toBe('identity');
});
