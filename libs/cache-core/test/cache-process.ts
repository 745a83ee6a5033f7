import {
  Cache,
  CacheAside,
  RedisRoles,
  type CacheObserver,
  type CacheSettings,
  type LinkTimes,
  type RedisHome,
} from '../src/index.js';
import type { ProcessKind } from './stage.js';

/** One process of the platform, as far as the cache is concerned. */
export interface Process {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  /** What the observer was told, with how often. */
  readonly counts: Map<string, number>;
}

export async function startProcess(
  place: string | RedisHome,
  settings: Partial<CacheSettings> = {},
  times: Partial<LinkTimes> = {},
): Promise<Process> {
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const observer: CacheObserver = {
    hit: () => count('hit'),
    miss: () => count('miss'),
    unusable: (_family, why) => count(`unusable ${why}`),
    joined: () => count('joined'),
    bypass: (_family, why) => count(`bypass ${why}`),
    fill: (_family, result) => count(`fill ${result}`),
    stale: (_family, why) => count(`stale ${why}`),
    sweepFailed: () => count('sweep failed'),
  };
  const roles = new RedisRoles({
    ...(typeof place === 'string' ? { url: place } : place),
    layout: 'single',
    times: { commandTimeoutMs: 2000, heartbeatMs: 50, holdAfterRestartMs: 100, ...times },
  }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
  // A lease outlives what keeps this machine from its work, and nothing is swept behind a test's back.
  const cache = new Cache(roles, { leaseMs: 10_000, leftovers: null, ...settings }, observer);
  return { roles, cache, aside: new CacheAside(cache, roles), counts };
}

export async function stop(process: Process): Promise<void> {
  process.cache.close();
  await process.roles.close();
}

/** For a stage. */
export const cacheProcess = { start: startProcess, stop } satisfies ProcessKind<
  Process,
  [settings?: Partial<CacheSettings>, times?: Partial<LinkTimes>]
>;

/** When these processes work with Redis again. */
export async function untilUp(...processes: readonly Process[]): Promise<void> {
  await Promise.all(processes.flatMap(({ roles }) => roles.links().map((link) => link.untilUp(60_000))));
}
