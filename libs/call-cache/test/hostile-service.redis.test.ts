/** Services and callers that mean no good, or know no better. */
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { request as openRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { PathPattern } from '../src/index.js';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

let redis: TestRedis;
let origin: Origin;
let proxy: ProxyServer;
/** What the service writes on its socket, byte for byte. */
let written = '';
const sockets = new Set<Socket>();
const raw = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.once('data', () => socket.end(written, 'latin1'));
});

beforeAll(async () => {
  redis = await startRedis();
  origin = await startOrigin();
  raw.listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const { port } = raw.address() as AddressInfo;
  const services = [
    service(`http://127.0.0.1:${port}`, { name: 'raw', concurrency: 1 }),
    service(origin.url, { ttl: 3600 }),
    service(origin.url, {
      name: 'paid',
      ttl: 3600,
      headers: [
        ['Authorization', 'Bearer ours'],
        ['Cookie', 'ours=1'],
      ],
    }),
    service(origin.url, {
      name: 'forced',
      forwardAuthorization: true,
      ttlRules: [{ path: new PathPattern('*'), ttl: 3600, override: true, name: null }],
    }),
  ];
  proxy = await startProxy(redis.url, { services });
});

afterAll(async () => {
  await proxy?.close();
  await origin?.close();
  for (const socket of sockets) socket.destroy();
  raw.close();
  await redis?.stop();
});

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: no-store\r\n\r\nok';

it('trap 23: early hints that cannot be sent on are left out, and the process lives', async () => {
  for (const link of ['nonsense', '</a>; rel="preload"; title="x y"', '']) {
    written = `HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\n\r\n${OK}`;
    expect(await ask(`${proxy.url}/proxy/raw/hints`)).toMatchObject({ status: 200, body: 'ok' });
  }
});

it('trap 23: a status that is none and a phrase that nobody may send take no turn of the service away', async () => {
  for (const line of ['099 Odd', '000 Odd']) {
    written = OK.replace('200 OK', line);
    expect(await ask(`${proxy.url}/proxy/raw/odd`)).toMatchObject({ status: 502 });
  }
  for (const phrase of ['a\u0001b', 'a\u007fb', '\u00e9']) {
    written = OK.replace('200 OK', `200 ${phrase}`);
    expect(await ask(`${proxy.url}/proxy/raw/odd`)).toMatchObject({ status: 200, body: 'ok' });
  }
});

it.each(['gzip, chunked', 'chunked, chunked', 'gzip', 'x-gzip;q=1, chunked'])(
  'trap 23: a body under a transfer coding that is not taken off is not handed on: %s',
  async (coding) => {
    written = `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\nCache-Control: max-age=60\r\n\r\n2\r\nok\r\n0\r\n\r\n`;
    const { status, body } = await ask(`${proxy.url}/proxy/raw/coded`);
    expect([status, JSON.parse(body)]).toEqual([502, expect.objectContaining({ code: 'bad_gateway' })]);
  },
);

it('trap 23: nor is one that a caller sends', async () => {
  const headers = { 'transfer-encoding': 'gzip, chunked' };
  const before = origin.seen.length;
  expect(await ask(`${proxy.url}/proxy/origin/coded`, { method: 'PUT', headers, body: 'x' })).toMatchObject({
    status: 501,
  });
  expect(origin.seen).toHaveLength(before);
});

it('trap 21: nobody waits for the end of a stream of events that somebody else reads', async () => {
  origin.handler = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  const read = async (): Promise<string> => {
    const outgoing = openRequest(`${proxy.url}/proxy/origin/events`, { agent: false });
    outgoing.end();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    const [chunk] = (await once(message, 'data')) as [Buffer];
    outgoing.destroy();
    message.on('error', () => undefined);
    return chunk.toString();
  };
  expect(await Promise.all([read(), read()])).toEqual(['data: 1\n\n', 'data: 1\n\n']);
});

it('trap 7: a lifetime of the operator’s making shares no answer to somebody’s cookie', async () => {
  origin.handler = ({ headers: { cookie } }, response) =>
    void response.writeHead(200, { 'cache-control': 'max-age=0', etag: '"1"' }).end(cookie);
  const at = `${proxy.url}/proxy/forced/mine`;
  expect((await ask(at, { headers: { 'x-api-key': 'k', cookie: 'who=ana' } })).body).toBe('who=ana');
  expect((await ask(at, { headers: { 'x-api-key': 'k', cookie: 'who=eva' } })).body).toBe('who=eva');
});

it('trap 7: what is asked in the guise of another method or path is nobody’s answer', async () => {
  origin.handler = ({ headers }, response) =>
    void response.end(String(headers['x-http-method-override'] ?? headers['x-original-url'] ?? 'plain'));
  const at = `${proxy.url}/proxy/origin/guise`;
  expect((await ask(at, { headers: { 'x-http-method-override': 'DELETE' } })).body).toBe('DELETE');
  expect((await ask(at)).body).toBe('plain');
  expect((await ask(`${at}2`, { headers: { 'x-original-url': '/admin', 'x-rewrite-url': '/admin' } })).body).toBe(
    'plain',
  );
});

it('the service’s own credentials keep no answer from those who all ask with them', async () => {
  origin.handler = ({ headers: { authorization } }, response) => void response.end(authorization);
  const answers = [await ask(`${proxy.url}/proxy/paid/a`), await ask(`${proxy.url}/proxy/paid/a`)];
  expect(answers.map(({ body, headers }) => [body, headers['x-cache']])).toEqual([
    ['Bearer ours', 'MISS'],
    ['Bearer ours', 'HIT'],
  ]);
});
