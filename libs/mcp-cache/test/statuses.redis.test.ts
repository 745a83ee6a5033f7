/** What is known of servers: how they were used, over all processes, and whether they are there. */
import { Cache, dayMinuteText, keyspace, PlainValues, RedisRoles } from '@promptsales/cache-core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { probe } from '../src/status/probe.js';
import { McpStatuses } from '../src/status/statuses.js';
import { Traffic } from '../src/status/traffic.js';
import { HttpUpstream } from '../src/upstream/http-upstream.js';
import { UpstreamError, type Upstream } from '../src/upstream/upstream.js';
import { server } from './gateway-stand.js';
import { ScriptedServer } from './scripted-server.js';

/** No minute ends in the middle of a test. */
function stopTheClock(): void {
  jest.useFakeTimers({
    now: Date.UTC(2026, 0, 2, 3, 4, 5),
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  });
}

describe('the status of a server', () => {
  let redis: TestRedis;
  let roles: RedisRoles;
  let cache: Cache;
  const failures: unknown[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    roles = new RedisRoles({ url: redis.url }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    cache = new Cache(roles);
  });
  afterAll(async () => {
    cache.close();
    await roles.close();
    await redis.stop();
  });

  afterEach(() => jest.useRealTimers());

  const traffic = () =>
    new Traffic({
      roles,
      plain: new PlainValues(roles),
      keyPrefix: '',
      failed: (error) => void failures.push(error),
    });
  const named = { tenant: 't', name: 'crm' };

  it('sums up what all processes asked it in the hour before', async () => {
    stopTheClock();
    const [one, other] = [traffic(), traffic()];
    one.asked(named, 10, false);
    one.asked(named, 20.4, true);
    other.asked(named, 30, false);
    other.asked({ tenant: 'u', name: 'crm' }, 1000, true);
    await Promise.all([one.close(), other.close()]);
    const next = new Date(Date.now() + 60_000);
    expect(await one.sumsOf(named, next)).toEqual({
      requestsLastMinute: 3,
      requestsLastHour: 3,
      errorsLastHour: 1,
      msLastHour: 60,
    });
    expect(await one.sumsOf(named, new Date(next.getTime() + 30 * 60_000))).toMatchObject({
      requestsLastMinute: 0,
      requestsLastHour: 3,
    });
    expect(await one.sumsOf(named, new Date(next.getTime() + 61 * 60_000))).toMatchObject({ requestsLastHour: 0 });
    expect(failures).toEqual([]);
  });

  it('of another type at the key is counted anew', async () => {
    stopTheClock();
    const spoilt = keyspace.mcpTraffic.at({ server_name: 'x', 'yyyy-mm-dd-HH-MM': dayMinuteText(new Date()) });
    await roles.link('state').readAt(spoilt.key, (client) => client.set(spoilt.key, 'text'));
    const counting = traffic();
    counting.asked({ tenant: 'default', name: 'x' }, 1, false);
    await counting.close();
    expect(failures).toEqual([]);
  });

  it('says whether it is there, and lies where other systems read it', async () => {
    const upstream = await new ScriptedServer().start();
    const there = server('there', { kind: 'http', url: upstream.url, headers: {} }, { tenant: 'default' });
    const gone = server('gone', { kind: 'http', url: 'http://127.0.0.1:9/mcp', headers: {} }, { tenant: 'default' });
    const upstreams = new Map(
      [there, gone].map(({ reached, name }) => {
        const { url } = reached as { url: string };
        return [name, new HttpUpstream({ url, headers: {}, timeoutMs: 60_000 })];
      }),
    );
    const statuses = new McpStatuses({
      cache,
      traffic: traffic(),
      upstreamOf: ({ name }) => {
        const known = upstreams.get(name);
        if (known === undefined) throw new UpstreamError('upstream_not_allowed', 'It may not be started.');
        return known;
      },
    });
    const barred = server('barred', { kind: 'stdio', command: 'x', args: [], env: {} }, { tenant: 'default' });
    expect(await statuses.refresh([there, gone, barred])).toEqual({ servers: 3, unhealthy: 2 });
    expect(await statuses.of(there)).toMatchObject({ status: 'healthy', requests_last_min: 0, errors_last_hour: 0 });
    expect(await statuses.of(gone)).toMatchObject({ status: 'unhealthy' });
    expect(await statuses.of({ tenant: 't', name: 'there' })).toBeNull();
    const fields = await roles
      .link('cache')
      .readAt('mcp:server:status:there', (client) => client.hkeys('mcp:server:status:there'));
    expect(fields.toSorted()).toEqual([
      'avg_response_time',
      'errors_last_hour',
      'last_health_check',
      'requests_last_min',
      'status',
    ]);
    await Promise.all([...upstreams.values()].map((one) => one.close()));
    await upstream.stop();
  });

  it('is by what it answers, not by how it takes a farewell', async () => {
    const answer = Buffer.from('{"jsonrpc":"2.0","id":"probe","result":{}}');
    const rude: Upstream = {
      send: async ({ method }) => {
        if (method === 'DELETE') throw new UpstreamError('upstream_unreachable', 'It hung up.');
        return {
          status: 200,
          headers: { 'content-type': 'application/json', 'mcp-session-id': 's' },
          body: (async function* () {
            yield answer;
          })(),
        };
      },
      close: async () => undefined,
    };
    expect(await probe('default', () => rude, 60_000)).toMatchObject({ healthy: true });
  });
});
