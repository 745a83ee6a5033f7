/** Services and callers that trickle, fall silent or take nothing: none keeps a turn, a connection or another caller for ever. */
import { once } from 'node:events';
import { request as openRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

/** Short for a test, and long enough for a machine that stands still for a while. */
const BOUND_MS = 5000;
/** Longer than a machine stands still. */
const STANDSTILL_MS = 10_000;
const TRICKLE_MS = 50;
const MANY = 100;

describe('what is slow', () => {
  let redis: TestRedis;
  let origin: Origin;
  let proxy: ProxyServer;
  const trickling = new Set<NodeJS.Timeout>();

  beforeAll(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    const services = [
      service(origin.url, { name: 'slow', concurrency: MANY }),
      service(origin.url, { name: 'fragile', breaker: { consecutiveFailures: 2 } }),
      service(origin.url),
    ];
    const upstream = { headerTimeoutMs: BOUND_MS, idleTimeoutMs: BOUND_MS };
    proxy = await startProxy({ url: redis.url }, { services, upstream });
  });

  afterEach(() => trickling.forEach((timer) => clearInterval(timer)));

  afterAll(async () => {
    await proxy?.close();
    await origin?.close();
    await redis?.stop();
  });

  /** A byte at a time, for ever. */
  const trickle = (into: ServerResponse | ClientRequest): void => {
    const timer = setInterval(() => into.write('x'), TRICKLE_MS);
    trickling.add(timer);
    into.once('close', () => clearInterval(timer));
  };

  it.each([
    ['kept', { 'cache-control': 'max-age=100' }],
    ['passed on', { 'cache-control': 'no-store' }],
  ])(
    'answers of a byte at a time end by a bound, a hundred of them, and nobody else waits: %s',
    async (kind, headers) => {
      let [open, begun] = [0, 0];
      origin.handler = ({ url = '' }, response) => {
        if (!url.startsWith('/trickle')) {
          response.end('at once');
          return;
        }
        open += 1;
        begun += 1;
        response.once('close', () => (open -= 1));
        trickle(response.writeHead(200, headers));
      };
      const ends = Array.from({ length: MANY }, (_, n) =>
        ask(`${proxy.url}/proxy/slow/trickle/${kind.replace(' ', '-')}/${n}`).then(
          () => 'whole',
          (error: Error) => error.message,
        ),
      );
      await until(() => begun === MANY);
      expect(await ask(`${proxy.url}/proxy/origin/other`, { method: 'PUT' })).toMatchObject({ body: 'at once' });
      expect(new Set(await Promise.all(ends))).toEqual(new Set(['aborted']));
      await until(() => open === 0);
      expect(await ask(`${proxy.url}/proxy/slow/now`)).toMatchObject({ status: 200, body: 'at once' });
    },
  );

  it('a body that comes a byte at a time ends by a bound, and is its caller’s fault', async () => {
    const ended = Promise.withResolvers<void>();
    origin.handler = (request) => void request.on('data', () => undefined).once('close', () => ended.resolve());
    const outgoing = openRequest(`${proxy.url}/proxy/origin/up`, { method: 'PUT', agent: false });
    outgoing.on('error', () => undefined);
    trickle(outgoing);
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(message.statusCode).toBe(408);
    message.resume();
    outgoing.destroy();
    await ended.promise;
  });

  it('a body that keeps coming may take longer than the service has to answer', async () => {
    let arrived = 0;
    origin.handler = (request, response) => {
      request.on('data', (chunk: Buffer) => (arrived += chunk.length));
      request.once('end', () => response.end(String(arrived)));
    };
    const services = [service(origin.url)];
    const bounded = await startProxy({ url: redis.url }, { services, upstream: { headerTimeoutMs: STANDSTILL_MS } });
    const outgoing = openRequest(`${bounded.url}/proxy/origin/long`, { method: 'PUT', agent: false });
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    for (const began = performance.now(); performance.now() - began < 1.2 * STANDSTILL_MS; sent += chunk.length) {
      if (!outgoing.write(chunk)) await once(outgoing, 'drain');
      await pause(TRICKLE_MS);
    }
    outgoing.end();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks = await message.toArray();
    expect([message.statusCode, Buffer.concat(chunks as Buffer[]).toString()]).toEqual([200, String(sent)]);
    await bounded.close();
  });

  it('a service that has answered before it has heard all is sent no more of it', async () => {
    const ended = Promise.withResolvers<void>();
    origin.handler = (request, response) => {
      request.socket.once('close', () => ended.resolve());
      response.writeHead(413).end('too long');
    };
    const outgoing = openRequest(`${proxy.url}/proxy/origin/early`, { method: 'PUT', agent: false });
    outgoing.on('error', () => undefined);
    trickle(outgoing);
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect([message.statusCode, String(await message.toArray())]).toEqual([413, 'too long']);
    await ended.promise;
    outgoing.destroy();
  });

  it('callers who leave in the middle of an answer are no failures of the service', async () => {
    for (let n = 0; n < 4; n += 1) {
      const ended = Promise.withResolvers<void>();
      origin.handler = (_request, response) => {
        response.once('close', () => ended.resolve());
        response.writeHead(200, { 'cache-control': 'no-store' }).write('begun');
      };
      const outgoing = openRequest(`${proxy.url}/proxy/fragile/${n}`, { agent: false });
      outgoing.end();
      const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
      message.on('error', () => undefined);
      await once(message, 'data');
      outgoing.destroy();
      await ended.promise;
    }
    origin.handler = (_request, response) => void response.end('well');
    expect(await ask(`${proxy.url}/proxy/fragile/after`)).toMatchObject({ status: 200, body: 'well' });
  });

  it('a caller who takes nothing is hung up on, and the service with him', async () => {
    const ended = Promise.withResolvers<void>();
    const chunk = Buffer.alloc(64 * 1024);
    origin.handler = (_request, response) => {
      response.writeHead(200, { 'cache-control': 'no-store' });
      response.once('close', () => ended.resolve());
      const more = (): void => {
        while (response.write(chunk));
        response.once('drain', more);
      };
      more();
    };
    const outgoing = openRequest(`${proxy.url}/proxy/slow/endless`, { agent: false });
    outgoing.end();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    message.on('error', () => undefined);
    message.pause();
    await expect(ended.promise).resolves.toBeUndefined();
    outgoing.destroy();
  });
});
