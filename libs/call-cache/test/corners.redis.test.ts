/** Where two rules meet. */
import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { PathPattern } from '../src/index.js';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

const FRESH = { 'cache-control': 'max-age=100' };
/** Stale when it comes. */
const STALE = { age: '1', etag: '"1"' };

let redis: TestRedis;
let origin: Origin;
let proxy: ProxyServer;
let paths = 0;
let path: string;

beforeAll(async () => {
  redis = await startRedis();
  origin = await startOrigin();
  const services = [
    service(origin.url),
    service(origin.url, { name: 'lookup', ttl: 3600, lookupPosts: [new PathPattern('*')] }),
  ];
  proxy = await startProxy({ url: redis.url }, { services });
});

afterAll(async () => {
  await proxy?.close();
  await origin?.close();
  await redis?.stop();
});

beforeEach(() => {
  origin.seen.length = 0;
  paths += 1;
  path = `/c${paths}`;
});

const at = (name = 'origin'): string => `${proxy.url}/proxy/${name}${path}`;
const answers = (body: string, headers: Record<string, string> = FRESH, status = 200): void => {
  origin.handler = (_request, response) => void response.writeHead(status, headers).end(body);
};

it('an answer that came with trailers is served again without them, whole or in part', async () => {
  origin.handler = (_request, response) => {
    response.writeHead(200, { ...FRESH, etag: '"1"', trailer: 'x-sum' });
    response.write('0123456789');
    response.addTrailers({ 'x-sum': '42' });
    response.end();
  };
  expect(await ask(at())).toMatchObject({ status: 200, body: '0123456789' });
  const again = await ask(at());
  expect(again).toMatchObject({ status: 200, body: '0123456789', headers: { 'x-cache': 'HIT' } });
  expect(again.headers.trailer).toBeUndefined();
  expect(await ask(at(), { headers: { range: 'bytes=1-2' } })).toMatchObject({ status: 206, body: '12' });
  expect(await ask(at(), { headers: { 'if-none-match': '"1"' } })).toMatchObject({ status: 304 });
  expect(await ask(at(), { method: 'HEAD' })).toMatchObject({ status: 200 });
});

it('an announcement of trailers goes no further where none can follow', async () => {
  origin.handler = ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nTrailer: x-sum\r\n\r\n');
  expect(await ask(at(), { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});

it('a range of what may be renewed behind its reader renews it', async () => {
  answers('v1 of it', { ...STALE, 'cache-control': 'max-age=1, stale-while-revalidate=100' });
  await ask(at());
  answers('v2 of it', { ...FRESH, etag: '"2"' });
  expect(await ask(at(), { headers: { range: 'bytes=0-1' } })).toMatchObject({ status: 206, body: 'v1' });
  await until(() => origin.seen.length === 2);
  await until(async () => (await ask(at(), { headers: { 'cache-control': 'only-if-cached' } })).body === 'v2 of it');
});

it('all who wait for a service that fails get what is stale, not only the first', async () => {
  answers('v1', { ...STALE, 'cache-control': 'max-age=1' });
  await ask(at());
  const there = Promise.withResolvers<void>();
  let waiting = 0;
  const count = (): void => {
    waiting += 1;
    if (waiting === 5) setTimeout(there.resolve, 50);
  };
  proxy.fastify.server.on('request', count);
  origin.handler = (_request, response) => void there.promise.then(() => response.writeHead(503).end('down'));
  const all = await Promise.all(Array.from({ length: 5 }, () => ask(at())));
  proxy.fastify.server.off('request', count);
  expect(all.map(({ status, body }) => [status, body])).toEqual(all.map(() => [200, 'v1']));
});

it('only-if-cached asks nobody, whatever else is said', async () => {
  answers('x');
  for (const more of [
    { 'cache-control': 'only-if-cached, no-store' },
    { 'if-match': '"1"', 'cache-control': 'only-if-cached' },
  ])
    expect(await ask(at(), { headers: more })).toMatchObject({ status: 504 });
  expect(origin.seen).toHaveLength(0);
  await ask(at());
  expect(await ask(at(), { headers: { 'cache-control': 'only-if-cached, no-store' } })).toMatchObject({ body: 'x' });
});

describe('a POST that looks something up', () => {
  const search = (headers: Record<string, string>, body = '{"a":1}') =>
    ask(at('lookup'), { method: 'POST', body, headers });

  it('asks something else when its body is of another type or coding', async () => {
    origin.handler = ({ headers }, response) =>
      void response.end(`${headers['content-type']} ${headers['content-encoding']}`);
    const json = { 'content-type': 'application/json' };
    expect((await search(json)).body).toBe('application/json undefined');
    expect((await search({ 'content-type': 'text/plain' })).body).toBe('text/plain undefined');
    expect((await search({ ...json, 'content-encoding': 'x' })).body).toBe('application/json x');
    expect((await search({ 'content-type': 'text/plain' }, '{ "a": 1 }')).headers['x-cache']).toBe('MISS');
    expect((await search(json, '{ "a": 1 }')).headers['x-cache']).toBe('HIT');
  });

  it('does not take what is there when it says no-store', async () => {
    answers('1');
    await search({});
    answers('2');
    expect(await search({ 'cache-control': 'no-store' })).toMatchObject({
      body: '2',
      headers: { 'x-cache': 'BYPASS' },
    });
    expect(await search({})).toMatchObject({ body: '1', headers: { 'x-cache': 'HIT' } });
  });
});

it('a range behind the end is refused with a date of its own', async () => {
  answers('0123456789');
  await ask(at());
  const { status, headers } = await ask(at(), { headers: { range: 'bytes=10-' } });
  expect([status, headers.date]).toEqual([416, expect.stringMatching(/ GMT$/)]);
});

it('an age that cannot be read is the longest there is', async () => {
  answers('v1', { ...STALE, 'cache-control': 'max-age=1' });
  await ask(at());
  answers('', { ...FRESH, etag: '"1"', age: 'old' }, 304);
  const { headers } = await ask(at());
  expect([headers.age, headers['cache-status']]).toEqual(['2147483648', expect.not.stringContaining('Infinity')]);
});

it('says that it has stored only what it has stored', async () => {
  answers('v1', { ...STALE, 'cache-control': 'max-age=1' });
  await ask(at());
  answers('', { 'cache-control': 'no-store', etag: '"1"' }, 304);
  expect((await ask(at())).headers['cache-status']).toBe('promptsales; fwd=stale; fwd-status=304');
});

it('says what the caches behind it have said of an answer that still holds', async () => {
  answers('v1', { ...STALE, 'cache-control': 'max-age=1' });
  await ask(at());
  answers('', { ...FRESH, etag: '"1"', 'cache-status': 'edge; hit' }, 304);
  expect((await ask(at())).headers['cache-status']).toBe('edge; hit, promptsales; fwd=stale; fwd-status=304; stored');
});
