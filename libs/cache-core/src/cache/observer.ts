import type { StepObserver } from '../invalidation/node-scan.js';
import type { L1Observer } from '../l1/l1-observer.js';
import type { RedisTrouble } from '../redis/errors.js';
import type { LeftoversObserver } from './leftovers.js';

/** Why something that lay in Redis could not be used. Each reads as a miss. */
export type Unusable =
  /** Another type than the family's, or bytes that the codec or the reader refuses. */
  | 'unreadable'
  /** No sidecar, or one of another version. */
  | 'no_sidecar'
  /** The sidecar belongs to other bytes: somebody else wrote the value, or half a pair was evicted. */
  | 'mismatch'
  /** The sidecar names another tenant. */
  | 'tenant'
  /** The entry's family, namespace or one of its tags was invalidated since, or its version was lost. */
  | 'version';

/**
 * What the cache tells whoever measures it. Called synchronously on the hot path: count and return. `family` is the
 * family's id; no key, tenant or user is ever given.
 */
export interface CacheObserver extends L1Observer, LeftoversObserver, StepObserver {
  /** `tier`: this process's own memory, or Redis. */
  hit?(family: string, tier: 'l1' | 'redis'): void;
  miss?(family: string): void;
  unusable?(family: string, why: Unusable): void;
  /** Redis could not be asked; the origin answers. */
  bypass?(family: string, why: RedisTrouble | 'invalidation_pending'): void;
  joined?(family: string): void;
  fill?(family: string, result: FillResult): void;
  /** A loader has ended, or did not get its turn. */
  loaded?(family: string, result: LoadResult, seconds: number): void;
  /** A stale value was served: because it is being loaded anew, because that takes too long, or because it failed. */
  stale?(family: string, why: 'refreshing' | 'slow' | 'failed' | 'backing_off'): void;
  /** A lease could not be given back: it keeps others waiting until it runs out. */
  leaseLeft?(family: string): void;
  invalidated?(family: string, result: 'applied' | 'pending'): void;
  /** Seconds of one lookup in Redis, hit or miss. */
  lookupSeconds?(family: string, seconds: number): void;
}

export type FillResult =
  | 'stored'
  /** An invalidation, a newer load or the lease's end came first: nothing was written. */
  | 'superseded'
  /** Redis could not be reached: dropped, never written later. */
  | 'dropped'
  /** Over the size limit: never sent. */
  | 'too_large'
  /** Loaded too soon after an invalidation to be trusted: not stored. */
  | 'held_off';

export type LoadResult = 'value' | 'absent' | 'unchanged' | 'failed' | 'timeout' | 'exhausted';
