import { Cache, explain, keyspace, PlainValues, RedisRoles, type RedisHome } from '@promptsales/cache-core';
import { startRedis, startRedisCluster } from '@promptsales/test-kit';
import { Cluster, Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import {
  actionWindow,
  clientLimits,
  clientMinute,
  Limiter,
  LimitsUnavailableError,
  serviceMinute,
} from '../src/index.js';
import type { Counter, Limit, LimitsObserver, Verdict } from '../src/index.js';

interface Place {
  readonly home: RedisHome;
  readonly raw: Redis | Cluster;
  keys(glob: string): Promise<string[]>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

async function oneServer(): Promise<Place> {
  const redis = await startRedis();
  const raw = new Redis(redis.url);
  return {
    home: { url: redis.url },
    raw,
    keys: (glob) => raw.keys(glob),
    freeze: () => redis.freeze(),
    thaw: () => redis.thaw(),
    stop: async () => {
      raw.disconnect();
      await redis.stop();
    },
  };
}

async function aCluster(): Promise<Place> {
  // Frozen as a whole it is to wake up as it was.
  const cluster = await startRedisCluster({ replicasEach: 0, nodeTimeoutMs: 20_000 });
  const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  const raw = new Cluster(nodes, { maxRedirections: 100 });
  await new Promise((resolve) => raw.once('ready', resolve));
  return {
    home: { cluster: nodes },
    raw,
    keys: async (glob) => (await Promise.all(raw.nodes('master').map((node) => node.keys(glob)))).flat(),
    freeze: () => cluster.nodes.forEach((node) => node.freeze()),
    thaw: () => cluster.nodes.forEach((node) => node.thaw()),
    stop: async () => {
      raw.disconnect();
      await cluster.stop();
    },
  };
}

const limit = (counter: Counter, most: number, more: Partial<Limit> = {}): Limit => ({
  name: 'one',
  counter,
  most,
  onOutage: 'open',
  ...more,
});
/** Windows of a thousand days: none ends while a test runs, at midnight neither. */
const lasting = (subject: string, action = '@test'): Counter => actionWindow(subject, action, 86_400_000);
const left = ({ states }: Verdict): (number | undefined)[] => states.map(({ remaining }) => remaining);

describe.each([
  ['one server', oneServer],
  ['a cluster', aCluster],
])('limits on %s', (where, startPlace) => {
  let place: Place;
  let a: Process;
  let b: Process;
  let subjects = 0;
  let subject: string;

  interface Process {
    readonly limiter: Limiter;
    readonly roles: RedisRoles;
    readonly told: string[];
  }

  const start = async (prefix = '', commandTimeoutMs = 5000, presenceMs = 5000): Promise<Process> => {
    const told: string[] = [];
    const observer: LimitsObserver = {
      exceeded: (name) => told.push(`exceeded ${name}`),
      alone: (name, how) => told.push(`alone ${name} ${how}`),
      refundLost: () => told.push('lost'),
    };
    const times = { holdAfterRestartMs: 0, heartbeatMs: 50, commandTimeoutMs };
    const roles = new RedisRoles({ ...place.home, layout: 'single', times }).open();
    await roles.link('ratelimit').untilUp(60_000);
    return { limiter: new Limiter(roles, { keyPrefix: prefix, presenceMs }, observer), roles, told };
  };
  const stop = async ({ limiter, roles }: Process): Promise<void> => {
    limiter.close();
    await roles.close();
  };

  beforeAll(async () => {
    place = await startPlace();
  });

  afterAll(() => place.stop());

  beforeEach(async () => {
    subjects += 1;
    subject = `s${subjects}`;
    [a, b] = await Promise.all([start(), start()]);
  });

  afterEach(async () => {
    place.thaw();
    await Promise.all([a, b].map(stop));
  });

  it('admit so many and no more, over all processes, however many come at once', async () => {
    const wanted = limit(lasting(subject), 25);
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? a : b).limiter.take([wanted])),
    );
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(25);
    expect([...a.told, ...b.told]).toEqual(Array.from({ length: 75 }, () => 'exceeded one'));
  });

  it('are taken all or none, also where they lie in several slots', async () => {
    const others = [
      limit(lasting(`${subject}a`), 5),
      limit(lasting(`${subject}b`), 5),
      limit(lasting(`${subject}c`), 1),
    ];
    expect(left(await a.limiter.take(others))).toEqual([4, 4, 0]);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => b.limiter.take(others)));
    expect(verdicts.every(({ allowed }) => !allowed)).toBe(true);
    await b.limiter.settled();
    expect(left(await a.limiter.take(others.slice(0, 2), 0))).toEqual([4, 4]);
    expect(await place.keys(`limit_receipt:*${subject}*`)).toHaveLength(where === 'one server' ? 0 : 3);
  });

  it('are counted at the documented keys, which end by themselves', async () => {
    await a.limiter.take([
      ...clientLimits({
        client: subject,
        tenant: 'acme',
        tool: 'find',
        rate: { requests: 5, windowSeconds: 60 },
        maxRequestsPerHour: 10,
      }),
      limit(serviceMinute(subject), 5),
    ]);
    await a.limiter.take([limit(clientMinute(subject, 'mcp', 'default'), 5)], 3);
    const found = new Map<string, readonly [string | null, number]>();
    for (const key of await place.keys(`*${subject}*`)) {
      if (key.startsWith('limit_receipt')) continue;
      const named = key.replace(/\d{4}(-\d\d){3,4}$/, 'DATE').replace(/s-\d+$/, 's-BEGIN');
      found.set(named, [await place.raw.get(key), Math.round((await place.raw.pttl(key)) / 60_000)]);
    }
    const tag = where === 'one server' ? subject : `{${subject}}`;
    expect(Object.fromEntries(found)).toEqual({
      [`tenant:acme:ratelimit:${tag}:mcp:minute:DATE`]: ['1', 2],
      [`tenant:acme:rate:${tag}:@mcp.max_requests_hora:3600s-BEGIN`]: ['1', 60],
      [`tenant:acme:ratelimit:mcp:find:${tag}:hour:DATE`]: ['1', 120],
      [`ratelimit:${tag}::minute`]: ['1', 1],
      [`ratelimit:${tag}:mcp:minute:DATE`]: ['3', 2],
    });
  });

  it('trap 24: a counter that was left without an end gets one, and what is no count counts for nothing', async () => {
    const counter = serviceMinute(subject);
    const key = where === 'one server' ? `ratelimit:${subject}::minute` : `ratelimit:{${subject}}::minute`;
    await place.raw.set(key, '7');
    expect(await a.limiter.take([limit(counter, 7)])).toMatchObject({ allowed: false });
    expect(await place.raw.pttl(key)).toBeGreaterThan(0);
    await place.raw.del(key);
    await place.raw.rpush(key, 'x');
    expect(await b.limiter.take([limit(counter, 7)])).toMatchObject({ allowed: true, states: [{ remaining: 6 }] });
    await place.raw.set(key, 'nonsense');
    expect(await b.limiter.take([limit(counter, 7)])).toMatchObject({ allowed: true, states: [{ remaining: 6 }] });
    expect(await place.raw.pttl(key)).toBeGreaterThan(0);
  });

  it('trap 24: what is denied is not counted', async () => {
    const wanted = limit(lasting(subject), 2);
    await a.limiter.take([wanted], 2);
    for (let at = 0; at < 5; at += 1) {
      const other = await start();
      expect((await other.limiter.take([wanted])).allowed).toBe(false);
      await stop(other);
    }
    const [key] = await place.keys(`rate:*${subject}*`);
    expect(await place.raw.get(key as string)).toBe('2');
  });

  it('that deny cost no call until they would admit, on a cluster one in a second', async () => {
    const wanted = limit(lasting(subject), 1);
    await a.limiter.take([wanted]);
    expect((await a.limiter.take([wanted])).allowed).toBe(false);
    const [key] = await place.keys(`rate:*${subject}*`);
    await place.raw.del(key as string);
    expect((await a.limiter.take([{ ...wanted, most: 2 }])).allowed).toBe(true);
    await place.raw.del(key as string);
    if (where === 'one server') {
      // Nobody looks: it would be admitted.
      for (let at = 0; at < 100; at += 1) expect((await a.limiter.take([wanted])).allowed).toBe(false);
      expect(await place.keys(`rate:*${subject}*`)).toEqual([]);
      return;
    }
    while (!(await a.limiter.take([wanted])).allowed) await pause(50);
  });

  it('trap 24: while Redis is away are counted by the process alone, or refuse as what they are', async () => {
    const open = limit(lasting(subject), 3);
    const closed = limit(lasting(subject, '@closed'), 3, { name: 'strict', onOutage: 'closed' });
    const hurried = await start('', 500);
    place.freeze();
    for (let at = 0; at < 3; at += 1) expect((await hurried.limiter.take([open])).allowed).toBe(true);
    expect(await hurried.limiter.take([open])).toMatchObject({ allowed: false, states: [{ name: 'one', most: 3 }] });
    const refused: unknown = await hurried.limiter.take([open, closed]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LimitsUnavailableError);
    expect(refused).toMatchObject({ code: 'limits_unavailable', limit: 'strict' });
    expect(new Set(hurried.told)).toEqual(
      new Set(['alone one decided', 'exceeded one', 'alone one refused', 'alone strict refused']),
    );
    place.thaw();
    while (
      !(await hurried.limiter.take([closed]).then(
        ({ allowed }) => allowed,
        () => false,
      ))
    )
      await pause(20);
    await stop(hurried);
  });

  it('are shared while Redis is away by those who were there', async () => {
    const prefix = `${subject}:`;
    const both = await Promise.all([start(prefix, 2000, 1500), start(prefix, 2000, 1500)]);
    const shared = limit(lasting(subject), 10);
    const present = `${prefix}ratelimit:processes`;
    for (const { limiter } of both) await limiter.take([shared], 0);
    while ((await place.raw.zcard(present)) < 2) await pause(20);
    // Each has said so again since, and heard of the other.
    const said = await place.raw.zrange(present, 0, -1, 'WITHSCORES');
    const saidSince = async (): Promise<boolean> => {
      const now = await place.raw.zrange(present, 0, -1, 'WITHSCORES');
      return [1, 3].every((at) => Number(now[at]) > Math.max(Number(said[1]), Number(said[3])));
    };
    while (!(await saidSince())) await pause(20);
    place.freeze();
    for (const { limiter } of both) {
      const verdict = await limiter.take([shared], 5);
      expect(verdict).toMatchObject({ allowed: true, states: [{ most: 5, remaining: 0 }] });
    }
    place.thaw();
    await Promise.all(both.map(stop));
  });

  it('are read, explained and removed by their documented key', async () => {
    await a.limiter.take([limit(serviceMinute(subject), 5)], 2);
    const ref = keyspace.ratelimitService.at({ service: subject, user_id: '' });
    expect(ref.key).toBe(`ratelimit:${subject}::minute`);
    const plain = new PlainValues(b.roles);
    expect(await plain.read(ref)).toMatchObject({ kind: 'value', value: 2 });
    const cache = new Cache(b.roles);
    expect(await explain(ref, cache)).toMatchObject({ type: 'string', ttlMs: expect.any(Number) });
    cache.close();
    expect(await plain.remove(ref)).toBe(true);
    expect(left(await a.limiter.take([limit(serviceMinute(subject), 5)]))).toEqual([4]);
  });

  it('keep what they have under a prefix', async () => {
    const prefixed = await start('ps:{all}:');
    expect(left(await prefixed.limiter.take([limit(lasting(subject), 5), limit(lasting(`${subject}x`), 5)]))).toEqual([
      4, 4,
    ]);
    expect(await place.keys(`ps:{all}:rate:${subject}*`)).toHaveLength(2);
    await stop(prefixed);
  });
});
