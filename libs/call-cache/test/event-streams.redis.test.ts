/** Streams of events are slow by nature, and have no end: only their silence is bounded. */
import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

const BOUND_MS = 300;
const EVENT = 'data: 1\n\n';

describe('a stream of events', () => {
  let redis: TestRedis;
  let origin: Origin;
  const proxies: ProxyServer[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    origin = await startOrigin();
  }, 30_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await origin?.close();
    await redis?.stop();
  });

  const proxyWith = async (headerTimeoutMs: number, idleTimeoutMs: number): Promise<string> => {
    const upstream = { headerTimeoutMs, idleTimeoutMs };
    const proxy = await startProxy({ url: redis.url }, { services: [service(origin.url)], upstream });
    proxies.push(proxy);
    return `${proxy.url}/proxy/origin/events`;
  };

  it('goes on however little it says, for longer than another body might', async () => {
    const url = await proxyWith(BOUND_MS, 60_000);
    let sent = 0;
    origin.handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      const began = performance.now();
      const timer = setInterval(() => {
        response.write(EVENT);
        sent += 1;
        if (performance.now() - began < 4 * BOUND_MS) return;
        clearInterval(timer);
        response.end();
      }, 20);
    };
    const { status, body } = await ask(url);
    expect([status, body]).toEqual([200, EVENT.repeat(sent)]);
  });

  it('ends when it is silent for too long', async () => {
    const url = await proxyWith(60_000, BOUND_MS);
    let open = true;
    origin.handler = (_request, response) => {
      response.once('close', () => (open = false));
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(EVENT);
    };
    await expect(ask(url)).rejects.toThrow('aborted');
    await until(() => !open);
  });
});
