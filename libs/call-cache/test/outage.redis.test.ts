import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

describe('trap 8: calls through the cache while Redis', () => {
  let redis: TestRedis;
  let origin: Origin;
  let proxy: ProxyServer;

  beforeEach(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    origin.handler = (_request, response) =>
      void setTimeout(() => response.writeHead(200, { 'cache-control': 'max-age=100' }).end('x'), 50);
    proxy = await startProxy(redis.url, { services: [service(origin.url)] });
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
      const before = origin.seen.length;
      const all = await Promise.all(Array.from({ length: 10 }, () => ask(at('same'))));
      expect(all.map(({ status, body }) => [status, body])).toEqual(all.map(() => [200, 'x']));
      expect(origin.seen.length - before).toBe(1);
      expect(await ask(at('same'), { method: 'DELETE' })).toMatchObject({ status: 200 });
      if (how === 'is gone') await redis.restart();
      else redis.thaw();
      await until(async () => (await ask(at('later'))).headers['x-cache'] === 'HIT');
    },
  );
});
