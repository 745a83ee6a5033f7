/** Answers that are shared while Redis is away, full or restarted, and while their process ends. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { question, stream } from './questions.js';
import { DONE, HELLO, ROLE, say, STOP, StreamProvider, USAGE_CHUNK } from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;

const start = async (options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> =>
  (await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, ...options })).redisUp();

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
});
afterAll(async () => {
  await provider.stop();
});
beforeEach(() => {
  provider.reset();
});

describe('without Redis', () => {
  it('requests are answered, shared within the process, and nothing is stored', async () => {
    const own = await startRedis();
    const gateway = await GatewayProcess.start({ redisUrl: own.url, providerUrl: provider.baseUrl });
    await gateway.redisUp();
    try {
      await own.kill();
      const body = question();
      const asking = Array.from({ length: 20 }, () => gateway.post(body));
      const call = await provider.next();
      await gateway.settled(20);
      expect(provider.calls).toBe(1);
      call.end(HELLO);
      for (const response of await Promise.all(asking)) expect(response.status).toBe(200);
      expect(provider.calls).toBe(1);
      const again = gateway.post(body);
      (await provider.next()).end(HELLO);
      expect((await again).headers.get('x-cache')).toBe('MISS');
      await own.restart();
      await gateway.redisUp();
      const third = gateway.post(body);
      (await provider.next()).end(HELLO);
      expect((await third).headers.get('cache-status')).toBe('promptsales; fwd=miss; stored');
      expect((await gateway.post(body)).headers.get('x-cache')).toBe('HIT');
    } finally {
      await gateway.stop();
    }
  });

  it('a full Redis costs hits, not answers', async () => {
    const own = await startRedis({ args: ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction'] });
    const gateway = await start({ redisUrl: own.url });
    try {
      const body = question();
      for (const form of [body, { ...body, stream: true }, body]) {
        const pending = gateway.post(form);
        (await provider.next()).end(HELLO);
        const response = await pending;
        expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'MISS']);
        await response.text();
      }
    } finally {
      await gateway.stop();
    }
  });

  it('a stream that is followed from another process survives a restart of Redis in its middle', async () => {
    const own = await startRedis();
    const options = { redisUrl: own.url };
    const [leader, follower] = await Promise.all([start(options), start(options)]);
    try {
      const body = question();
      const first = stream(leader, body);
      const call = await provider.next();
      call.say(ROLE, say('before'));
      await (await first).until('before');
      const second = await stream(follower, body);
      await second.until('before');
      await own.kill();
      call.say(say('meanwhile'));
      await (await first).until('meanwhile');
      await own.restart();
      call.end(say('after'), STOP, USAGE_CHUNK, DONE);
      expect(await second.rest()).toBe(await (await first).rest());
    } finally {
      await Promise.all([leader.stop(), follower.stop()]);
    }
  });
});

describe('a process that stops', () => {
  it('lets answers under way end within its bound, and tells those it cannot wait for', async () => {
    const gateway = await start({ shutdownMs: 5000 });
    const [quick, endless] = [question(), question()];
    const first = stream(gateway, quick);
    const quickCall = await provider.next();
    quickCall.say(ROLE);
    const second = stream(gateway, endless);
    const endlessCall = await provider.next();
    endlessCall.say(ROLE);
    const readers = await Promise.all([first, second]);
    const stopping = gateway.stop();
    quickCall.end(say('x'), STOP, USAGE_CHUNK, DONE);
    expect(await readers[0].rest()).toContain('[DONE]');
    expect(await readers[1].rest()).toContain('"code":"shutting_down"');
    await stopping;
  });
});
