/**
 * Random histories over two processes and a foreign writer: whatever they do, L1 gives nothing that was replaced longer
 * ago than its bound, and gives it in no order but that of its writing.
 */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { Cache, CacheAside, keyspace, RedisRoles } from '../src/index.js';
import { PATIENT } from './redis-place.js';

const BOUND_MS = 300;
const KEYS = ['a', 'b', 'c'];

type Ref = ReturnType<typeof keyspace.appValue.at>;

interface Process {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
}

/** What the origin of one key says, and until when each of its earlier words may still be heard. */
class Origin {
  version = 1;
  /** When the write that ended a version was done: nobody may serve it longer than the bound after that. */
  readonly #endedAt = new Map<number, number>();

  next(): number {
    this.version += 1;
    return this.version;
  }

  ended(before: number): void {
    const now = performance.now();
    for (let version = 1; version < before; version += 1) {
      if (!this.#endedAt.has(version)) this.#endedAt.set(version, now);
    }
  }

  tooOldBy(version: number, askedAt: number): number {
    const endedAt = this.#endedAt.get(version);
    return endedAt === undefined ? 0 : Math.max(0, askedAt - endedAt - BOUND_MS);
  }
}

describe.each([
  { feed: 'tracking', family: keyspace.appValue, refOf: (key: string): Ref => keyspace.appValue.at({ key }) },
  // Nobody but us writes to this one: others would not be heard of.
  {
    feed: 'published',
    family: keyspace.githubRepos,
    // Of the same shape in all that is asked of it here.
    refOf: (user: string): Ref => keyspace.githubRepos.at({ user }) as unknown as Ref,
  },
] as const)('L1 over random histories, changes told by $feed', ({ feed, family, refOf: refNamed }) => {
  let redis: TestRedis;
  let raw: Redis;
  let processes: readonly [Process, Process];

  const start = async (): Promise<Process> => {
    const roles = new RedisRoles({
      url: redis.url,
      times: { ...PATIENT, heartbeatMs: 50, holdAfterRestartMs: 50 },
    }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    const cache = new Cache(roles, { l1: { boundMs: BOUND_MS, beatMs: 30, maxBytes: 200_000, retryRefusedMs: 200 } });
    return { roles, cache, aside: new CacheAside(cache, roles) };
  };

  beforeAll(async () => {
    redis = await startRedis();
    raw = new Redis(redis.url, { db: 5 });
    if (feed === 'published') await raw.call('ACL', 'SETUSER', 'default', '-client|tracking');
    processes = await Promise.all([start(), start()]);
  });

  afterAll(async () => {
    for (const { cache, roles } of processes) {
      cache.close();
      await roles.close();
    }
    raw.disconnect();
    await redis.kill();
  });

  const load = async ({ aside }: Process, ref: Ref, origin: Origin): Promise<void> => {
    await (
      await aside.getOrLoad(ref, async () => origin.version)
    ).stored;
  };

  const key = fc.constantFrom(...KEYS);
  const who = fc.constantFrom(0, 1);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ what: fc.constant('load' as const), key, who }) },
    { weight: 12, arbitrary: fc.record({ what: fc.constant('read twice' as const), key, who }) },
    { weight: 8, arbitrary: fc.record({ what: fc.constant('peek' as const), key, who }) },
    { weight: 3, arbitrary: fc.record({ what: fc.constant('put' as const), key, who }) },
    { weight: 3, arbitrary: fc.record({ what: fc.constant('invalidate' as const), key, who }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('invalidate all' as const), key, who }) },
    { weight: feed === 'tracking' ? 2 : 0, arbitrary: fc.record({ what: fc.constant('foreign' as const), key, who }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('flush' as const), key, who }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('cut' as const), key, who }) },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), key, who }) },
  );

  test('nothing is served from memory longer than the bound after it was replaced', async () => {
    let served = 0;
    let history = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        history += 1;
        const origins = new Map(KEYS.map((name) => [name, new Origin()]));
        const refOf = (name: string) => refNamed(`${history}-${name}`);
        const pending: Promise<unknown>[] = [];
        for (const { what, key: name, who: index } of steps) {
          const process = processes[index];
          const origin = origins.get(name) as Origin;
          const ref = refOf(name);
          const look = (): void => {
            const askedAt = performance.now();
            const found = process.aside.warm(ref);
            if (found === undefined) return;
            served += 1;
            expect(origin.tooOldBy(found.value as number, askedAt)).toBe(0);
          };
          switch (what) {
            case 'load':
              pending.push(load(process, ref, origin));
              break;
            case 'read twice':
              await load(process, ref, origin);
              await load(process, ref, origin);
              break;
            case 'put': {
              const version = origin.next();
              await process.cache.put({ ref }, { stored: [Buffer.from(String(version))] });
              origin.ended(version);
              break;
            }
            case 'invalidate': {
              const version = origin.next();
              await process.cache.invalidate({ ref });
              origin.ended(version);
              break;
            }
            case 'invalidate all': {
              const versions = KEYS.map((each) => [each, (origins.get(each) as Origin).next()] as const);
              await process.cache.invalidateFamily(family);
              for (const [each, version] of versions) (origins.get(each) as Origin).ended(version);
              break;
            }
            case 'foreign': {
              // A load that is under way would be stored over what it writes.
              await Promise.all(pending.splice(0));
              const version = origin.next();
              await raw.set(ref.key, String(version));
              origin.ended(version);
              break;
            }
            case 'flush':
              await raw.flushdb();
              break;
            case 'cut':
              await raw.client('KILL', 'TYPE', 'PUBSUB');
              await pause(150);
              break;
            default:
              await pause(3);
          }
          look();
        }
        await Promise.all(pending);
        // Whatever is still in memory must be gone, or be the last word, once the bound is over.
        const end = performance.now() + BOUND_MS;
        do {
          for (const { aside } of processes) {
            for (const [name, origin] of origins) {
              const askedAt = performance.now();
              const found = aside.warm(refOf(name));
              if (found !== undefined) expect(origin.tooOldBy(found.value as number, askedAt)).toBe(0);
            }
          }
          await pause(25);
        } while (performance.now() < end);
      }),
      { numRuns: 12, endOnFailure: true },
    );
    for (const { cache } of processes) {
      expect(cache.l1Status?.servers.every(({ state }) => state !== 'tracking') ?? false).toBe(feed === 'published');
    }
    // The histories are about something.
    expect(served).toBeGreaterThan(10);
  });
});
