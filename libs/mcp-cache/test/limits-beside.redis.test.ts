/** A limit is one more question to Redis: it travels beside the look at what is kept. */
import { RedisRoles } from '@promptsales/cache-core';
import { until } from '@promptsales/test-kit';
import type { Admission } from '../src/index.js';
import { server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { RawClient } from './raw-client.js';
import { ScriptedServer } from './scripted-server.js';

const REFUSED: Admission = { refused: { retryAfterSeconds: 7 }, headers: { 'retry-after': '7' } };

describe('a request of a client with limits', () => {
  let place: Stand;
  let gateway: Gateway;
  let upstream: ScriptedServer;
  let roles: RedisRoles;
  let client: RawClient;
  let admit: () => Promise<Admission>;

  const admitted = async (): Promise<Admission> => ({ refused: null, headers: { ratelimit: '"x";r=1;t=1' } });
  const looks = async (): Promise<number> => {
    const stats = await roles.link('cache').readAt('any', (link) => link.info('commandstats'));
    return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  /** Says so only when what is kept has been looked for: for ever, were that to wait for it. */
  const afterALook = (admission: () => Promise<Admission>) => {
    const before = looks();
    return async () => {
      await until(async () => (await looks()) > (await before));
      return admission();
    };
  };

  beforeAll(async () => {
    place = await stand();
    gateway = await place.start();
    roles = new RedisRoles({ url: place.redis.url }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    upstream = await new ScriptedServer().start();
    upstream.answering = ({ method }) =>
      method === 'tools/call' ? { content: [{ type: 'text', text: 'found' }] } : { tools: [] };
    const find = { cache: true, force: true, accounting: false, ttlSeconds: null };
    const reached = { kind: 'http', url: upstream.url, headers: {} } as const;
    place.servers.set('http', server('http', reached, { share: 'public', tools: new Map([['find', find]]) }));
    place.permissions.set('crm', { active: true, tools: ['find'], admit: () => admit() });
    admit = admitted;
    client = await new RawClient(gateway.url('http'), 't:crm').connect();
    await client.ask('tools/list');
    await client.ask('tools/call', { name: 'find', arguments: {} });
  });

  afterAll(async () => {
    await roles?.close();
    await place?.stop();
    await upstream?.stop();
  });

  it.each([
    ['a list', 'tools/list', {}],
    ['a tool', 'tools/call', { name: 'find', arguments: {} }],
  ])('costs one round trip for %s that is kept: the limit and the look together', async (_what, method, params) => {
    admit = afterALook(admitted);
    const { headers } = await client.ask(method, params);
    expect([headers.get('x-cache'), headers.get('ratelimit')]).toEqual(['HIT', '"x";r=1;t=1']);
  });

  it.each([
    ['what is kept', { arguments: {} }, {}],
    ['what is not kept', { arguments: { other: 1 } }, {}],
    ['what is to be kept alone', { arguments: {} }, { 'cache-control': 'only-if-cached' }],
    ['a request that is wrong besides', { arguments: {} }, { 'x-cache-ttl': 'x' }],
  ])('gives nothing of it to who is refused, and its server hears nothing: %s', async (_what, params, headers) => {
    const asked = upstream.asked.length;
    const ask = () => client.ask('tools/call', { name: 'find', ...params }, headers);
    admit = async () => REFUSED;
    const early = await ask();
    admit = 'x-cache-ttl' in headers ? admit : afterALook(async () => REFUSED);
    const late = await ask();
    for (const told of [early, late]) {
      expect([told.status, told.headers.get('retry-after')]).toEqual([429, '7']);
      expect(told.messages).toMatchObject([{ error: { data: { code: 'too_many_requests' } } }]);
    }
    expect(upstream.asked).toHaveLength(asked);
  });

  it('who is refused takes nobody along who waits for the same', async () => {
    place.permissions.set('other', { active: true, tools: ['find'], admit: admitted });
    const go = Promise.withResolvers<Admission>();
    admit = () => go.promise;
    const params = { name: 'find', arguments: { both: 1 } };
    const refused = client.ask('tools/call', params);
    const other = await new RawClient(gateway.url('http'), 't:other').connect();
    expect((await other.ask('tools/call', params)).headers.get('x-cache')).toBe('MISS');
    go.resolve(REFUSED);
    expect((await refused).status).toBe(429);
  });
});
