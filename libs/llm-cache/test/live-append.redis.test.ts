import { keyspace, physicalKey, type RedisLink, RedisRoles } from '@promptsales/cache-core';
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { LiveTransport } from '../src/flight/live-transport.js';

/** live-append.lua and its reader, alone. */
describe('the live stream of a flight', () => {
  let redis: TestRedis;
  let raw: ReturnType<RedisLink['dedicatedClient']>;
  let roles: RedisRoles;
  let transport: LiveTransport;
  const token = 'process.1';
  const key = physicalKey('p:', keyspace.liveStream.at({ flight: token }).key);

  const entry = (position: number, text: string) => ({
    position,
    afterMs: 5,
    kind: 'frames' as const,
    data: Buffer.from(text),
  });
  const read = async (after = 0) => {
    const { entries, exists } = await transport.read(token, after);
    return { exists, entries: entries.map(({ position, kind, data }) => `${position} ${kind} ${data.toString()}`) };
  };

  beforeAll(async () => {
    redis = await startRedis();
    roles = new RedisRoles({ url: redis.url, layout: 'single' }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    raw = roles.link('state').dedicatedClient('test');
    await raw.connect();
    transport = new LiveTransport(roles, 'p:');
  });
  beforeEach(() => raw.flushall());
  afterAll(async () => {
    raw.disconnect();
    await roles.close();
  });

  it('keeps bytes, in order, with a time to live', async () => {
    expect(await transport.append(token, [entry(1, 'a'), entry(3, 'b\0\xff')], true, 1_000_000)).toBe(true);
    expect(await transport.append(token, [entry(4, 'c')], false, 500_000)).toBe(true);
    expect(await read()).toEqual({ exists: true, entries: ['1 frames a', '3 frames b\0\xff', '4 frames c'] });
    expect(await read(1)).toEqual({ exists: true, entries: ['3 frames b\0\xff', '4 frames c'] });
    const ttl = await raw.pttl(key);
    expect(ttl).toBeGreaterThan(300_000);
    expect(ttl).toBeLessThanOrEqual(500_000);
  });

  it('trap 9: takes an entry whose first sending was in doubt only once', async () => {
    await transport.append(token, [entry(1, 'a'), entry(2, 'b')], true, 500_000);
    await transport.append(token, [entry(2, 'b'), entry(3, 'c')], false, 500_000);
    expect((await read()).entries).toEqual(['1 frames a', '2 frames b', '3 frames c']);
  });

  it('does not go on in the middle of a stream that was lost', async () => {
    expect(await transport.append(token, [entry(4, 'd')], false, 5000)).toBe(false);
    expect(await transport.append(token, [], false, 5000)).toBe(false);
    expect(await read()).toEqual({ exists: false, entries: [] });
  });

  it('renews its life without a word, and wakes nobody for it', async () => {
    await transport.append(token, [entry(1, 'a')], true, 300_000);
    const woken: number[] = [];
    const stop = await transport.onWake(token, () => woken.push(1));
    await transport.append(token, [], false, 900_000);
    expect(await raw.pttl(key)).toBeGreaterThan(300_000);
    await transport.append(token, [entry(2, 'b')], false, 900_000);
    await until(() => woken.length > 0);
    expect(woken).toEqual([1]);
    stop();
  });

  it('says whether a process hears who follows it', async () => {
    const interest = { token, process: 'follower', leaving: false };
    expect(await transport.announce('leader', interest)).toBe(false);
    const heard: unknown[] = [];
    const stop = await transport.onInterest('leader', (one) => heard.push(one));
    await raw.publish('p:live:interest:leader', 'no JSON');
    expect(await transport.announce('leader', interest)).toBe(true);
    await until(() => heard.length > 0);
    expect(heard).toEqual([interest]);
    stop();
  });
});
