/** How often a service may be called, and what is served while it may not. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import type { ServiceLimits } from '../src/index.js';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

const FRESH = { 'cache-control': 'max-age=100' };
const RATE = { requests: 2, windowSeconds: 3600 };

describe('a service with a limit', () => {
  let redis: TestRedis;
  let origin: Origin;
  let proxy: ProxyServer;
  let paths = 0;
  let path: string;
  /** Calls of each service, as often as its limit counted them. */
  const called = new Map<string, number>();
  const limits: ServiceLimits = {
    take: async (name, { requests }) => {
      const before = called.get(name) ?? 0;
      if (before >= requests) return { retryAfterSeconds: 17, headers: { ratelimit: '"x";r=0;t=17' } };
      called.set(name, before + 1);
      return null;
    },
  };

  beforeAll(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    const breaker = { consecutiveFailures: 2, firstOpenMs: 100_000 };
    const services = [
      service(origin.url, { name: 'limited', rateLimit: RATE }),
      service(origin.url, { name: 'both', rateLimit: { ...RATE, requests: 1000 }, breaker }),
      service(origin.url, { name: 'refusing', rateLimit: RATE, breaker }),
    ];
    proxy = await startProxy(redis.url, { services, limits });
  });

  afterAll(async () => {
    await proxy?.close();
    await origin?.close();
    await redis?.stop();
  });

  beforeEach(() => {
    called.clear();
    origin.seen.length = 0;
    paths += 1;
    path = `/p${paths}`;
  });

  const at = (name: string): string => `${proxy.url}/proxy/${name}${path}`;
  const answers = (body: string, headers: Record<string, string> = FRESH, status = 200): void => {
    origin.handler = (_request, response) => void response.writeHead(status, headers).end(body);
  };

  it('the limit of a service counts what goes to it, not what is served from the cache', async () => {
    answers('x');
    await ask(at('limited'));
    await Promise.all(Array.from({ length: 5 }, () => ask(at('limited'))));
    expect(await ask(`${at('limited')}/2`)).toMatchObject({ status: 200 });
    const refused = await ask(`${at('limited')}/3`);
    expect(refused).toMatchObject({
      status: 429,
      headers: {
        'retry-after': '17',
        ratelimit: '"x";r=0;t=17',
        'cache-status': 'promptsales; detail=rate-limited',
      },
    });
    expect(await ask(at('limited'))).toMatchObject({ status: 200, headers: { 'x-cache': 'HIT' } });
    expect([called.get('limited'), origin.seen.length]).toEqual([2, 2]);
  });

  it('what is kept serves while the limit of a service is reached, where it may serve stale', async () => {
    answers('old', { 'cache-control': 'max-age=1', age: '1' });
    await ask(at('limited'));
    await ask(`${at('limited')}/2`);
    expect(await ask(at('limited'))).toMatchObject({ status: 200, body: 'old', headers: { 'x-cache': 'STALE' } });
    const demanding = { 'cache-control': 'stale-if-error=0' };
    expect(await ask(at('limited'), { headers: demanding })).toMatchObject({ status: 429 });
    expect(origin.seen).toHaveLength(2);
  });

  it('a call that a breaker or a gate holds back is not counted, nor is a refused one its failure', async () => {
    answers('down', {}, 500);
    for (const n of [1, 2]) await ask(`${at('both')}/${n}`);
    expect(await ask(`${at('both')}/3`)).toMatchObject({ status: 503 });
    expect(called.get('both')).toBe(2);
    called.set('refusing', 2);
    for (let n = 0; n < 5; n += 1) expect(await ask(`${at('refusing')}/${n}`)).toMatchObject({ status: 429 });
    called.clear();
    answers('x');
    expect(await ask(at('refusing'))).toMatchObject({ status: 200 });
  });
});
