import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

describe('trap 8: calls through the cache while Redis', () => {
  let redis: TestRedis;
  let origin: Origin;
  let proxy: ProxyServer;
  let answering: Promise<void>;

  beforeEach(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    answering = Promise.resolve();
    origin.handler = (_request, response) =>
      void answering.then(() => response.writeHead(200, { 'cache-control': 'max-age=100' }).end('x'));
    proxy = await startProxy(redis.url, { services: [service(origin.url)], times: { commandTimeoutMs: 1000 } });
  });

  afterEach(async () => {
    await proxy?.close();
    await origin?.close();
    await redis?.stop();
  });

  it.each(['is gone', 'is frozen'])(
    '%s: each is answered, those of one moment by one call, and all is well afterwards',
    async (how) => {
      if (how === 'is gone') await redis.kill();
      else redis.freeze();
      const at = (path: string): string => `${proxy.url}/proxy/origin/${path}`;
      await ask(at('first'));
      const [before, { asked }] = [origin.seen.length, proxy];
      const { promise, resolve: answer } = Promise.withResolvers<void>();
      answering = promise;
      const asking = Array.from({ length: 10 }, () => ask(at('same')));
      await proxy.settled(asked + 10);
      answer();
      const all = await Promise.all(asking);
      expect(all.map(({ status, body }) => [status, body])).toEqual(all.map(() => [200, 'x']));
      expect(origin.seen.length - before).toBe(1);
      expect(await ask(at('same'), { method: 'DELETE' })).toMatchObject({ status: 200 });
      if (how === 'is gone') await redis.restart();
      else redis.thaw();
      await until(async () => (await ask(at('later'))).headers['x-cache'] === 'HIT');
    },
  );
});
