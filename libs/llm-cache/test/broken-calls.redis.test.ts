import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import OpenAI from 'openai';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { HELLO, ROLE, say, StreamProvider } from './stream-provider.js';

/** Calls that end otherwise than they should, and what is left of them. */
describe('calls that go wrong', () => {
  let redis: TestRedis;
  let provider: StreamProvider;
  let here: GatewayProcess;
  let there: GatewayProcess;
  let questions = 0;

  const start = async (options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> =>
    (await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, ...options })).redisUp();
  const question = () => {
    questions += 1;
    return { model: 'gpt-4o', messages: [{ role: 'user' as const, content: `question ${questions}` }] };
  };

  beforeAll(async () => {
    redis = await startRedis();
    provider = await StreamProvider.start();
    [here, there] = await Promise.all([start(), start()]);
  });

  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await provider.stop();
  });

  beforeEach(() => provider.reset());

  test('trap 15: a stream that the provider closes in good order before its end is an error to the SDK, and not kept', async () => {
    const client = new OpenAI({ baseURL: `${here.url}/v1`, apiKey: 'k1', maxRetries: 0 });
    const asked = question();
    const asking = client.chat.completions.create({ ...asked, stream: true });
    (await provider.next()).end(ROLE, say('Hel'));
    let text = '';
    const reading = (async () => {
      for await (const part of await asking) text += part.choices[0]?.delta.content ?? '';
    })();
    await expect(reading).rejects.toThrow('broke off before its end');
    expect(text).toBe('Hel');
    const again = here.post(asked);
    (await provider.next()).end(HELLO);
    expect((await again).headers.get('x-cache')).toBe('MISS');
  });

  test('trap 18: an entry that is too old for all who ask is asked for once, over both processes', async () => {
    const asked = question();
    const first = here.post(asked);
    (await provider.next()).end(HELLO);
    await (await first).text();
    await Promise.all([here, there].map((gateway) => gateway.untilOlder(asked, 1)));
    provider.reset();
    const before = [here.asked, there.asked] as const;
    const asking = Array.from({ length: 40 }, (_, at) =>
      (at % 2 === 0 ? here : there).post(asked, { 'cache-control': 'max-age=1' }),
    );
    const call = await provider.next();
    await Promise.all([here.settled(before[0] + 20), there.settled(before[1] + 20)]);
    // Long enough for a follower to have given up, were it to take the refreshed entry for the end of the flight.
    await pause(1000);
    expect(provider.calls).toBe(1);
    call.end(HELLO);
    expect((await Promise.all(asking)).map(({ status }) => status)).toEqual(Array(40).fill(200));
    expect(provider.calls).toBe(1);
  });

  test('trap 29: a provider that hangs does not hold up the end of the process', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const own = await start({ providerUrl: `http://127.0.0.1:${port}/v1` });
    const leaving = new AbortController();
    const left = fetch(`${own.url}/v1/models`, { signal: leaving.signal }).catch(() => 'left');
    await once(silent, 'request');
    leaving.abort();
    expect(await left).toBe('left');
    await own.app.close();
    silent.closeAllConnections();
    silent.close();
  });
});
