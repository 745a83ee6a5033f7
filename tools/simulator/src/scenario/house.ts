/** What a plan is run on: processes of the platform, their network and a Redis, simulated or real. */
import type { Cache, CacheAside, CacheObserver, CacheSettings, RedisRoles } from '@promptsales/cache-core';
import type { Break } from '../network/network.js';
import type { Evictable, Plan } from './plan.js';

export interface HouseProcess {
  readonly name: string;
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly dead: boolean;
  readonly frozen: boolean;
  /** Linked, and nothing waits for Redis. */
  readonly settled: boolean;
  /** Runs code as the process's own. */
  run<T>(work: () => T): T;
  freeze(): void;
  thaw(): void;
  stepClock(ms: number): void;
  /** Ends at once, as a killed process does: what it had sent still arrives. */
  die(): void;
}

export interface House {
  /** Milliseconds since its beginning. */
  readonly now: number;
  /** By how much moments can be known too late, and what is bounded can be slower than it should. */
  readonly accuracyMs: number;
  in(ms: number, work: () => void): void;
  runUntil(at: number): Promise<void>;
  /** Returns when it is so, or not before the time is over where waiting costs nothing. */
  until(isSo: () => boolean, withinMs: number): Promise<void>;

  start(name: string, observer: CacheObserver, settings: Partial<CacheSettings>): HouseProcess;
  break(process: HouseProcess, connection: number, how: Break): void;
  /** From now on every message of the process takes so much longer at most; 0: as before. */
  slow(process: HouseProcess, ms: number): void;
  cutOff(process: HouseProcess): void;
  reunite(process: HouseProcess): void;

  readonly up: boolean;
  readonly frozen: boolean;
  freezeServer(): void;
  thawServer(): void;
  /** @returns from when on what was done is lost: about so long ago */
  stopServer(forgetMs: number): number;
  startServer(skewMs: number): void;
  setOutOfMemory(isSo: boolean): void;
  evict(key: string, what: Evictable, which: number): void;
  writeFromOutside(key: string, value: string, ttlMs: number): void;
  /** The leases that stand. */
  leases(): Promise<readonly string[]>;
  end(): Promise<void>;
}

/** Who is told what a house sees of its Redis. */
export interface Witness {
  leaseEnded(leaseKey: string): void;
  /** Something is not as it must be. */
  saw(claim: string, what: string): void;
  tell(who: string, what: string): void;
}

export type Building = (plan: Plan, witness: Witness) => House;

/** The key to take away. Which version, among those that there are, is as good as random. */
export function evicted(key: string, what: Evictable, versions: readonly string[], which: number): string | undefined {
  const companions = { value: key, sidecar: `meta:{${key}}`, lease: `lease:{${key}}` };
  return what === 'version' ? versions[which % Math.max(1, versions.length)] : companions[what];
}
