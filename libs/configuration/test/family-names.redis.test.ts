import { RedisRoles, type RedisHome } from '@promptsales/cache-core';
import { startRedis, startRedisCluster } from '@promptsales/test-kit';
import { namesIn } from '../src/management/family-names.js';

/** On a machine with much else to do. */
const PATIENT_MS = 60_000;

const places: [string, () => Promise<{ home: RedisHome; stop: () => Promise<void> }>][] = [
  [
    'one server',
    async () => {
      const redis = await startRedis();
      return { home: { url: redis.url }, stop: () => redis.stop() };
    },
  ],
  [
    'a cluster',
    async () => {
      const cluster = await startRedisCluster();
      return {
        home: { cluster: cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })) },
        stop: () => cluster.stop(),
      };
    },
  ],
];

describe.each(places)('names of configurations on %s', (_, start) => {
  let roles: RedisRoles;
  let stop: () => Promise<void>;

  const set = (key: string): Promise<unknown> => roles.link('cache').readAt(key, (client) => client.set(key, '{}'));

  beforeAll(async () => {
    const place = await start();
    stop = place.stop;
    roles = new RedisRoles({ ...place.home, layout: 'single' }).open();
    await roles.link('cache').untilUp(30_000);
  });

  afterAll(async () => {
    await roles.close();
    await stop();
  });

  it.each(['', 'a*[b]:'])('are those of one family and one tenant, behind the prefix %j', async (prefix) => {
    const own = ['github', 'a%3Ab', 'x'.repeat(500)];
    const neighbours = [
      'config:api:github',
      'config:client:crm',
      'config',
      'configuration:x',
      'app:config:x',
      'tenant:acme:config:y',
    ];
    for (const name of own) await set(`${prefix}config:${name}`);
    for (const key of neighbours) await set(`${prefix}${key}`);
    await set('aXb:config:other-prefix');
    await Promise.all(Array.from({ length: 2000 }, (_unused, n) => set(`${prefix}app:${n}`)));
    expect(await namesIn('config:*', 'default', roles, prefix, PATIENT_MS)).toEqual({
      names: ['github', 'a:b', 'x'.repeat(500)].toSorted(),
      complete: true,
    });
    expect(await namesIn('config:*', 'acme', roles, prefix, PATIENT_MS)).toEqual({ names: ['y'], complete: true });
  });
});
