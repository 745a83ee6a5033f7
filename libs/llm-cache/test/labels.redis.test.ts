import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess } from './gateway-process.js';
import { HELLO, StreamProvider } from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;
let gateway: GatewayProcess;

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  gateway = await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl });
  await gateway.redisUp();
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
});
beforeEach(() => provider.reset());

const LABELS = [
  ['x-cache-tags', 'catalogue, prices', () => gateway.cache.invalidateTag('prices', 'acme')],
  ['x-cache-namespace', 'spring', () => gateway.cache.invalidateNamespace('spring', 'acme')],
] as const;

describe.each(LABELS)('%s', (name, value, invalidate) => {
  const ask = async (stream: boolean, headers: Record<string, string>) => {
    const body = { model: 'gpt-4o', stream, messages: [{ role: 'user', content: name }] };
    const response = await gateway.post(body, headers);
    return [response.headers.get('x-cache'), (await response.text()).length > 0];
  };
  const asked = async (stream: boolean, headers: Record<string, string>) => {
    const pending = ask(stream, headers);
    (await provider.next()).end(HELLO);
    return pending;
  };

  it('makes the answers under it misses once it is invalidated, as JSON and as streams, and no others', async () => {
    const headers = { [name]: value };
    const other = { [name]: 'another' };
    expect(await asked(false, headers)).toEqual(['MISS', true]);
    const beside = { ...other, 'x-cache-namespace': 'another' };
    expect(await asked(false, beside)).toEqual(['MISS', true]);
    for (const stream of [false, true]) expect(await ask(stream, headers)).toEqual(['HIT', true]);
    expect(await invalidate()).toEqual({ deleted: null, pending: false });
    expect(await asked(true, headers)).toEqual(['MISS', true]);
    for (const stream of [false, true]) expect(await ask(stream, headers)).toEqual(['HIT', true]);
    expect(await ask(false, beside)).toEqual(['HIT', true]);
  });

  it('trap 1: an answer that was under way when it was invalidated is not served to who asks later', async () => {
    const headers = { [name]: value, 'x-cache-ttl': '60' };
    await invalidate();
    const early = ask(false, headers);
    const first = await provider.next();
    await invalidate();
    expect(await asked(false, headers)).toEqual(['MISS', true]);
    first.end(HELLO);
    expect(await early).toEqual(['MISS', true]);
    expect(await ask(false, headers)).toEqual(['HIT', true]);
  });
});
