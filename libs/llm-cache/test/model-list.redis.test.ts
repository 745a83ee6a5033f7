/** `GET /v1/models` and what callers say about caching it. */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { GatewayProcess } from './gateway-process.js';
import { RawProvider } from './raw-provider.js';

let redis: TestRedis;
let provider: RawProvider;
let gateway: GatewayProcess;
let namespaces = 0;
/** A cache of the test's own. */
let own: Record<string, string>;

beforeAll(async () => {
  redis = await startRedis();
  provider = await RawProvider.start(() => undefined);
  gateway = await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl });
  await gateway.redisUp();
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
  await redis.kill();
});
beforeEach(() => {
  provider.calls.length = 0;
  own = { 'x-cache-namespace': `test ${(namespaces += 1)}` };
});

const list = (headers: Record<string, string> = {}, signal: AbortSignal | null = null): Promise<Response> =>
  fetch(`${gateway.url}/v1/models`, { headers: { ...own, ...headers }, signal });
const cacheOf = (response: Response): string | null => response.headers.get('x-cache');

function lists(...ids: string[]): void {
  provider.answers((_, response) => {
    const data = ids.map((id) => ({ id, object: 'model' }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }));
  });
}

function fails(status = 503): void {
  provider.answers((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":{"message":"not now"}}');
  });
}

/** The provider says nothing; resolves with each call that reaches it. */
function holds(): () => Promise<ServerResponse> {
  const held: ServerResponse[] = [];
  let arrived: () => void = () => undefined;
  provider.answers((_, response) => {
    held.push(response);
    arrived();
  });
  return async () => {
    while (held.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
    return held.shift() as ServerResponse;
  };
}

describe('the list of models', () => {
  it('is not asked for any more when the only client has left', async () => {
    const next = holds();
    const leaving = new AbortController();
    const asked = list({}, leaving.signal).catch(() => 'left');
    const call = await next();
    const hungUp = new Promise((resolve) => call.once('close', resolve));
    leaving.abort();
    expect(await asked).toBe('left');
    await hungUp;
    lists('a');
    expect(cacheOf(await list())).toBe('MISS');
  });

  it('is asked for on behalf of those who stay', async () => {
    const next = holds();
    const leaving = new AbortController();
    const leaver = list({}, leaving.signal).catch(() => 'left');
    const call = await next();
    const { asked } = gateway;
    const stayer = list();
    await gateway.settled(asked + 1);
    leaving.abort();
    await leaver;
    await pause(50);
    call.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[]}');
    expect(cacheOf(await stayer)).toBe('COALESCED');
    expect(provider.calls).toHaveLength(1);
  });

  it('with no-store is given up with its client as well', async () => {
    const next = holds();
    const leaving = new AbortController();
    const asked = list({ 'cache-control': 'no-store' }, leaving.signal).catch(() => 'left');
    const call = await next();
    const hungUp = new Promise((resolve) => call.once('close', resolve));
    leaving.abort();
    await hungUp;
    expect(await asked).toBe('left');
  });

  it('survives a no-cache that the provider fails, and is replaced by one that it answers', async () => {
    lists('old');
    await list();
    fails();
    expect((await list({ 'cache-control': 'no-cache' })).status).toBe(503);
    const kept = await list();
    expect([cacheOf(kept), await kept.text()]).toEqual(['HIT', expect.stringContaining('old')]);
    lists('new');
    expect(cacheOf(await list({ 'cache-control': 'no-cache' }))).toBe('REFRESH');
    const replaced = await list();
    expect([cacheOf(replaced), await replaced.text()]).toEqual(['HIT', expect.stringContaining('new')]);
  });

  it('survives a max-age that the provider fails', async () => {
    lists('old');
    await list();
    // By Redis's clock, which takes a moment to pass over the millisecond of the answer.
    await until(async () => (await list({ 'cache-control': 'only-if-cached, max-age=0' })).status === 504);
    fails();
    expect((await list({ 'cache-control': 'max-age=0' })).status).toBe(503);
    expect(cacheOf(await list())).toBe('HIT');
    lists('new');
    expect(cacheOf(await list({ 'cache-control': 'max-age=0' }))).toBe('REFRESH');
  });

  it('is served old for stale-if-error where the provider fails, not where it refuses', async () => {
    lists('old');
    await list();
    const control = { 'cache-control': 'no-cache, stale-if-error=60' };
    fails(500);
    const stale = await list(control);
    expect([stale.status, cacheOf(stale), await stale.text()]).toEqual([200, 'STALE', expect.stringContaining('old')]);
    provider.answers((_, __, socket) => void socket.destroy());
    expect(cacheOf(await list(control))).toBe('STALE');
    fails(429);
    expect((await list(control)).status).toBe(429);
  });

  it('can be invalidated by its tags', async () => {
    lists('a');
    const tags = { 'x-cache-tags': 'a,b' };
    await list(tags);
    expect(cacheOf(await list(tags))).toBe('HIT');
    await gateway.cache.invalidateTag('b', 'acme');
    expect(cacheOf(await list(tags))).toBe('MISS');
  });

  it('is kept for as long as x-cache-ttl says', async () => {
    lists('a');
    await list({ 'x-cache-ttl': '3000' });
    expect((await list()).headers.get('cache-status')).toMatch(/^promptsales; hit; ttl=(3000|29\d\d)$/);
  });

  it('from the cache alone', async () => {
    expect((await list({ 'cache-control': 'only-if-cached' })).status).toBe(504);
    lists('a');
    await list();
    expect(cacheOf(await list({ 'cache-control': 'only-if-cached' }))).toBe('HIT');
  });
});

describe('one model', () => {
  const model = (name: string): Promise<Response> => fetch(`${gateway.url}/v1/models/${name}`, { headers: own });

  it('is asked for by its name, and kept apart from others and from the list', async () => {
    provider.answers(({ url }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: url, object: 'model' }));
    });
    const names = ['gpt-4o', 'gpt-4o-mini', 'meta%2Fllama%203', 'null'];
    for (const outcome of ['MISS', 'HIT']) {
      for (const name of names) {
        const answer = await model(name);
        expect([cacheOf(answer), await answer.json()]).toEqual([
          outcome,
          { id: `/v1/models/${name}`, object: 'model' },
        ]);
      }
    }
    expect(cacheOf(await list())).toBe('MISS');
    expect(provider.calls.map(({ url }) => url)).toEqual([...names.map((name) => `/v1/models/${name}`), '/v1/models']);
  });

  it('that is not known is the provider’s to say, and not kept', async () => {
    fails(404);
    expect((await model('none')).status).toBe(404);
    expect((await model('none')).status).toBe(404);
    expect(provider.calls).toHaveLength(2);
  });

  it.each(['..%2Fadmin', 'a%2F..%2F..%2Fadmin', '%2E%2E%5Cx'])('is not a way to other paths: %s', async (name) => {
    expect(await (await model(name)).json()).toMatchObject({ error: { code: 'invalid_value', param: 'model' } });
    expect(provider.calls).toHaveLength(0);
  });
});
