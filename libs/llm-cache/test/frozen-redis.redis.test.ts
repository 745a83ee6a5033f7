/** What was refused while Redis was frozen is still refused when it thaws and finds it in its sockets. */
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { GatewayProcess } from './gateway-process.js';
import { HELLO, ROLE, say, STOP, StreamProvider, USAGE_CHUNK, DONE } from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;
let gateway: GatewayProcess;
let raw: Redis;

const body = { model: 'gpt-4o', messages: [{ role: 'user', content: 'asked of a frozen Redis' }] };

beforeAll(async () => {
  redis = await startRedis();
  raw = new Redis(redis.url);
  provider = await StreamProvider.start();
  const times = { commandTimeoutMs: 3000 };
  gateway = await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, times });
  await gateway.redisUp();
});
afterAll(async () => {
  raw.disconnect();
  await gateway.stop();
  await provider.stop();
  await redis.kill();
});
beforeEach(() => {
  provider.reset();
  gateway.events.length = 0;
});

/** Every value of an answer, in whichever database. */
async function stored(): Promise<string[]> {
  const found: string[] = [];
  for (let database = 0; database < 16; database += 1) {
    await raw.select(database);
    found.push(...(await raw.keys('*')).filter((key) => !/^(lease|version):/.test(key)));
  }
  return found;
}

it('trap 9: an answer whose storing timed out is not stored after the thaw', async () => {
  const pending = gateway.post(body);
  const call = await provider.next();
  call.say(ROLE, say('during'));
  // The lease is held; only the fill meets the frozen server.
  redis.freeze();
  call.end(STOP, USAGE_CHUNK, DONE);
  const response = await pending;
  expect([response.status, response.headers.get('cache-status')]).toEqual([200, 'promptsales; fwd=miss']);
  expect(await response.text()).toContain('during');
  await until(() => gateway.events.some((event) => /^kept (?!stored)/.test(event)));
  redis.thaw();
  await gateway.redisUp();
  expect(await stored()).toEqual([]);
  // Paid once, booked once, by a ledger that does not depend on Redis.
  expect(gateway.ledger.calls.map(({ outcome }) => outcome?.status)).toEqual(['completed']);
  expect(gateway.ledger.hits).toEqual([]);

  const again = gateway.post(body);
  (await provider.next()).end(HELLO);
  expect(await (await again).text()).toContain('Hello');
  const hit = await gateway.post(body);
  expect([hit.headers.get('x-cache'), await hit.text()]).toEqual(['HIT', expect.stringContaining('Hello')]);
});

it('trap 8: an answer that is fetched because Redis does not answer says so, as JSON and as a stream', async () => {
  redis.freeze();
  const ask = async (stream: boolean, headers: Record<string, string> = {}): Promise<(string | null)[]> => {
    const pending = gateway.post({ ...body, stream }, headers);
    (await provider.next()).end(HELLO);
    const response = await pending;
    expect(await response.text()).toContain(stream ? '"Hel"' : 'Hello');
    return [response.headers.get('x-cache'), response.headers.get('cache-status')];
  };
  const away = ['MISS', 'promptsales; fwd=miss; promptsales-reason=redis-unavailable'];
  expect(await ask(false)).toEqual(away);
  expect(await ask(true)).toEqual(away);
  expect(await ask(false, { 'cache-control': 'no-cache' })).toEqual([
    'REFRESH',
    'promptsales; fwd=request; promptsales-reason=redis-unavailable',
  ]);
  redis.thaw();
  await gateway.redisUp();
});
