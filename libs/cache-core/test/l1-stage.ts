import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { Cache, CacheAside, keyspace, RedisRoles, type CacheSettings } from '../src/index.js';
import { PATIENT_WITH_OUTAGES } from './redis-place.js';

/** One process of the platform, as far as the cache is concerned. */
export interface L1Process {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly tiers: string[];
  readonly emptied: string[];
}

/** How long a process serves at most what is no longer so. */
export const BOUND_MS = 1000;

export const app = (key: string, tenant?: string) => keyspace.appValue.at({ key }, tenant);

export const warm = (process: L1Process, key: string): unknown => process.aside.warm(app(key))?.value;

/** Stores a value and reads it until this process serves it from its own memory. */
export async function warmUp(process: L1Process, key: string, value: unknown): Promise<void> {
  const loaded = await process.aside.getOrLoad(app(key), async () => value);
  await loaded.stored;
  await until(async () => {
    await process.aside.getOrLoad(app(key), async () => value);
    return warm(process, key) !== undefined;
  });
  expect(warm(process, key)).toEqual(value);
}

/** When the process serves no longer what it had, within the bound. */
export const gone = (process: L1Process, key: string): Promise<void> =>
  until(() => warm(process, key) === undefined, BOUND_MS);

export function trusted({ cache }: L1Process): boolean {
  return cache.l1Status?.servers.every(({ state }) => state === 'tracking') ?? false;
}

/** A server of Redis that tells of changes, and processes that listen. */
export class L1Stage {
  readonly #running: L1Process[] = [];

  private constructor(
    readonly redis: TestRedis,
    readonly raw: Redis,
  ) {}

  static async start(): Promise<L1Stage> {
    const redis = await startRedis({ appendOnly: true, args: ['--enable-debug-command', 'local'] });
    const raw = new Redis(redis.url, { db: 5 });
    raw.on('error', () => {});
    return new L1Stage(redis, raw);
  }

  async process(settings: Partial<CacheSettings> = {}, url = this.redis.url): Promise<L1Process> {
    const tiers: string[] = [];
    const emptied: string[] = [];
    const roles = new RedisRoles({
      url,
      layout: 'databases',
      times: { ...PATIENT_WITH_OUTAGES, heartbeatMs: 50, holdAfterRestartMs: 100 },
    });
    const l1 = { boundMs: BOUND_MS, beatMs: 50, retryRefusedMs: 200 };
    const cache = new Cache(
      roles,
      { l1, ...settings },
      { hit: (_family, tier) => tiers.push(tier), emptied: (why) => emptied.push(why) },
    );
    roles.open();
    const process: L1Process = { roles, cache, aside: new CacheAside(cache, roles), tiers, emptied };
    this.#running.push(process);
    await until(() => trusted(process));
    return process;
  }

  /** Ends the processes and forgets all values. */
  async clear(): Promise<void> {
    for (const { cache, roles } of this.#running.splice(0)) {
      cache.close();
      await roles.close();
    }
    await this.raw.flushall();
  }

  async stop(): Promise<void> {
    this.raw.disconnect();
    await this.redis.kill();
  }
}
