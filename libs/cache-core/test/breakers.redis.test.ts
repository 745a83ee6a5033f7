import { until } from '@promptsales/test-kit';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import {
  BreakerOpenError,
  Breakers,
  RedisRoles,
  type Breaker,
  type BreakerStatus,
  type Permit,
  type RedisHome,
} from '../src/index.js';
import { PATIENT_WITH_OUTAGES, type OneServer } from './redis-place.js';
import { onOneServer } from './stage.js';

const SETTINGS = {
  consecutiveFailures: 3,
  firstOpenMs: 200,
  mostOpenMs: 1000,
  probeLeaseMs: 60_000,
  // Longer than any test: whoever learns of something learns it by the ring.
  paceMs: 60_000,
};
/** Longer than what is done while it is open, or probed, takes on any machine. */
const LONG_OPEN = { firstOpenMs: 60_000, mostOpenMs: 120_000 };
/** Whose end is waited for; longer than to be refused takes. */
const SHORT_PROBED = { probeLeaseMs: 4000 };
const KEY = 'circuit:breaker:openai';
const OWN = `breaker:{${KEY}}`;

/** One process of the platform, as far as breakers are concerned. */
interface Process {
  readonly roles: RedisRoles;
  readonly breakers: Breakers;
  readonly breaker: Breaker;
  readonly changes: BreakerStatus[];
  became(status: BreakerStatus): Promise<void>;
}

const breakerProcess = {
  async start(home: RedisHome, settings: Partial<typeof SETTINGS> = {}): Promise<Process> {
    const roles = new RedisRoles({
      ...home,
      layout: 'single',
      times: { ...PATIENT_WITH_OUTAGES, heartbeatMs: 50, holdAfterRestartMs: 0 },
    }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    const changes: BreakerStatus[] = [];
    const waiting = new Set<() => void>();
    const changed = (_service: string, status: BreakerStatus): void => {
      changes.push(status);
      for (const look of waiting) look();
    };
    const breakers = new Breakers(roles, { breaker: { ...SETTINGS, ...settings } }, { changed });
    const breaker = breakers.of('openai');
    const became = async (status: BreakerStatus): Promise<void> => {
      while (breaker.view.status !== status) {
        await new Promise<void>((resolve) => {
          const look = (): void => {
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
        });
      }
    };
    return { roles, breakers, breaker, changes, became };
  },
  async stop({ breakers, roles }: Process): Promise<void> {
    breakers.close();
    await roles.close();
  },
};

onOneServer('breakers on Redis', breakerProcess, (stage) => {
  let redis: OneServer;
  let raw: OneServer['raw'];
  let a: Process;
  let b: Process;

  /** The rings are heard by all of them from here on. */
  const listening = async (processes: number): Promise<void> => {
    while (((await raw.pubsub('NUMSUB', `wake:${KEY}`)) as [string, number])[1] < processes);
  };
  const fail = async (process: Process, times = 3): Promise<void> => {
    const permits = await Promise.all(Array.from({ length: times }, () => process.breaker.enter()));
    for (const permit of permits) permit.settle('failure');
  };
  /** Each of them tries at once, again and again until somebody gets through; all who did. */
  const enter = async (...processes: Process[]): Promise<Permit[]> => {
    for (;;) {
      const tries = await Promise.allSettled(processes.map(({ breaker }) => breaker.enter()));
      const through = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      if (through.length > 0) return through;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  beforeEach(async () => {
    ({ redis, raw, a, b } = stage);
    await listening(2);
  });

  test('an opening is written as documented, and every process refuses from then on', async () => {
    const [first, second] = await Promise.all([stage.start(LONG_OPEN), stage.start(LONG_OPEN)]);
    await listening(4);
    await fail(first);
    await second.became('open');
    await expect(second.breaker.enter()).rejects.toBeInstanceOf(BreakerOpenError);
    const hash = await raw.hgetall(KEY);
    expect(Object.keys(hash).toSorted()).toEqual(['failures', 'last_failure', 'next_check', 'status']);
    expect(hash).toMatchObject({ status: 'open', failures: '3' });
    const [last, next] = [Date.parse(hash['last_failure'] ?? ''), Date.parse(hash['next_check'] ?? '')];
    expect(Math.abs(last - Date.now())).toBeLessThan(60_000);
    expect(next - last).toBeGreaterThanOrEqual(45_000);
    expect(next - last).toBeLessThanOrEqual(75_000);
    expect(await raw.ttl(KEY)).toBeGreaterThan(290);
    expect(await raw.ttl(KEY)).toBeLessThanOrEqual(300);
    expect(await raw.ttl(OWN)).toBeGreaterThan(290);
  });

  test('closed, nothing is written and nothing is asked', async () => {
    const executed = await redis.commandsOf(async () => {
      const permits = await Promise.all(Array.from({ length: 200 }, () => a.breaker.enter()));
      for (const permit of permits) permit.settle('success');
      // What it sent would have been executed before this.
      await a.roles.link('state').readAt(KEY, (client) => client.echo('end'));
    });
    // Besides that: the heartbeats of the links, the end of what they began with, and the question itself.
    const besides = new Set(['echo', 'time', 'subscribe', 'info']);
    expect(executed['echo']).toBe(1);
    expect(Object.keys(executed).filter((name) => !besides.has(name))).toEqual([]);
    expect(await raw.exists(KEY)).toBe(0);
  });

  test('one probe for the whole fleet, and its success closes for all', async () => {
    const c = await stage.start();
    await listening(3);
    await fail(a);
    await Promise.all([b.became('open'), c.became('open')]);
    const through = await enter(a, b, c, a, b, c);
    expect(through.map(({ probe }) => probe)).toEqual([true]);
    through[0]?.settle('success');
    await Promise.all([a.became('closed'), b.became('closed'), c.became('closed')]);
    expect(await raw.hgetall(KEY)).toMatchObject({ status: 'closed', failures: '0' });
    expect(await raw.hexists(KEY, 'next_check')).toBe(0);
  });

  test('each state has an epoch above all before, also when Redis has forgotten them', async () => {
    const epochs: number[] = [];
    const note = async (): Promise<void> => void epochs.push(Number(await raw.hget(OWN, 'epoch')));
    for (let round = 0; round < 2; round += 1) {
      await fail(a);
      await b.became('open');
      await note();
      const [probe] = await enter(b);
      await note();
      probe?.settle('success');
      await a.became('closed');
      await note();
      await raw.flushdb();
    }
    expect(epochs).toEqual([...new Set(epochs)].toSorted((left, right) => left - right));
    expect(epochs).toHaveLength(6);
  });

  test('a process that begins before Redis is there hears the rings afterwards', async () => {
    const roles = new RedisRoles({ url: redis.url, layout: 'single' });
    const breakers = new Breakers(roles, { breaker: { ...SETTINGS, ...LONG_OPEN } });
    const late = breakers.of('openai');
    const early = await stage.start(LONG_OPEN);
    roles.open();
    await listening(4);
    await fail(early);
    while (late.view.status !== 'open') await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(late.enter()).rejects.toBeInstanceOf(BreakerOpenError);
    breakers.close();
    await roles.close();
  });

  test('each probe that fails keeps it open for twice as long, for all', async () => {
    await fail(a);
    await b.became('open');
    const open: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { last_failure: last, next_check: next } = await raw.hgetall(KEY);
      open.push(Date.parse(next ?? '') - Date.parse(last ?? ''));
      const [probe] = await enter(round % 2 === 0 ? b : a);
      expect(probe?.probe).toBe(true);
      probe?.settle('failure');
      while ((await raw.hget(KEY, 'status')) !== 'open');
    }
    expect(open[1]).toBeGreaterThan(299);
    expect(open[2]).toBeGreaterThan(599);
    expect(await raw.hget(KEY, 'failures')).toBe('6');
  });

  test('a prober that dies costs its lease; what it says later is ignored', async () => {
    [a, b] = await Promise.all([stage.start(SHORT_PROBED), stage.start(SHORT_PROBED)]);
    await listening(4);
    await fail(a);
    await b.became('open');
    const [dead] = await enter(a);
    await expect(b.breaker.enter()).rejects.toBeInstanceOf(BreakerOpenError);
    const [probe] = await enter(b);
    expect(probe?.probe).toBe(true);
    dead?.settle('success');
    // The ring of a result that counted would have closed it by the time that the next one is heard.
    probe?.settle('failure');
    await a.became('open');
    expect(await raw.hget(KEY, 'status')).toBe('open');
    expect(b.changes).not.toContain('closed');
  });

  test('failures that were seen before the fleet opened and closed again open nothing', async () => {
    const seen = await Promise.all([a.breaker.enter(), a.breaker.enter(), a.breaker.enter()]);
    await fail(b);
    await a.became('open');
    (await enter(b))[0]?.settle('success');
    await a.became('closed');
    for (const permit of seen) permit.settle('failure');
    expect(a.breaker.view.status).toBe('closed');
  });

  test('a process that missed that the fleet opened and closed does not open it by what it saw before', async () => {
    // Opened and closed without a ring.
    await raw.hset(OWN, { epoch: '99', until: '0', opens: '0', probe: '' });
    await raw.hset(KEY, { status: 'closed', failures: '0' });
    await fail(a);
    await a.became('closed');
    expect(await raw.hget(KEY, 'status')).toBe('closed');
    await fail(a);
    await b.became('open');
  });

  test('trap 8: without Redis it works within the process, and all is one again afterwards', async () => {
    redis.freeze();
    await fail(a);
    expect(a.breaker.view).toMatchObject({ status: 'open', alone: true });
    expect(await a.breakers.reportOf('openai', 'default')).toMatchObject({ status: 'open', asSeenBy: 'process' });
    const [probe] = await enter(a);
    expect(probe?.probe).toBe(true);
    redis.thaw();
    await Promise.all([a, b].map(({ roles }) => roles.link('state').untilUp(60_000)));
    probe?.settle('failure');
    await until(async () => (await raw.hget(KEY, 'status')) === 'open');
    // Nobody rings for who is not listening yet again: it hears of it when it looks.
    await b.breaker.look();
    expect(b.breaker.view.status).toBe('open');
  });

  test('what others write is heeded: an operator resets it by deleting the key, or opens it by hand', async () => {
    await fail(a);
    await b.became('open');
    await raw.del(KEY);
    await a.breaker.look();
    expect(a.breaker.view.status).toBe('closed');
    await raw.hset(KEY, { status: 'open', failures: 1 });
    await a.breaker.look();
    expect(a.breaker.view.status).toBe('open');
    const [probe] = await enter(a);
    expect(probe?.probe).toBe(true);
  });

  test('trap 10: another type at the key costs only the sharing', async () => {
    await raw.lpush(KEY, 'x');
    await fail(a);
    expect(a.breaker.view).toMatchObject({ status: 'open', alone: true });
    expect(await raw.type(KEY)).toBe('list');
  });

  test('is reported with its times, by tenant', async () => {
    a.breakers.of('anthropic');
    a.breakers.of('crm', {}, 'acme');
    await fail(a);
    await b.became('open');
    expect(await a.breakers.report(['default'])).toMatchObject([
      { service: 'anthropic', status: 'closed', failures: 0, lastFailure: null, nextCheck: null },
      { service: 'openai', status: 'open', asSeenBy: 'fleet', failures: 3 },
    ]);
    expect(await a.breakers.report(['default', 'acme'])).toHaveLength(3);
    expect(await a.breakers.reportOf('crm', 'default')).toBeNull();
    expect(a.breakers.notClosed()).toMatchObject([{ service: 'openai', status: 'open' }]);
  });

  test('times are written as ISO 8601 for every day', async () => {
    const lua = readFileSync(new URL('../src/redis/lua/breaker.lua', import.meta.url), 'utf8');
    const from = lua.indexOf('local function iso');
    const iso = lua.slice(from, lua.indexOf('\nend\n', from) + 5);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: Date.UTC(2400, 0, 1) }), async (ms) => {
        expect(await raw.eval(`${iso} return iso(tonumber(ARGV[1]))`, 0, ms)).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 1000, examples: [[0], [951_782_400_000], [4_107_542_399_999]] },
    );
  });
});
