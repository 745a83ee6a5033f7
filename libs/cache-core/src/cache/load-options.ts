import type { EntryLabels } from './entry.js';
import type { FreshnessOptions } from './freshness.js';
import type { Hit } from './judgement.js';
import type { FillResult } from './observer.js';

export interface LoadOptions<T = unknown> extends FreshnessOptions {
  /** A function where only the value can say how long it may be kept. */
  readonly ttlSeconds?: number | ((value: T) => number);
  /** What the value is stored under, to be invalidated by. */
  readonly labels?: EntryLabels;
  /** At most 256 characters to keep beside what this call loads: `note` of every later hit. */
  readonly note?: (value: T) => string;
  /** Load anew and join nobody. What is stored stays until the new value takes its place, so a failure costs nothing. */
  readonly anew?: boolean;
  /** Whether an entry found is good enough for this caller, fresh or stale; by default every one is. */
  readonly accept?: (hit: Hit<T>) => boolean;
  /** Aborted when the caller waits no more: his call rejects with its reason. */
  readonly signal?: AbortSignal;
  /**
   * What the caller has to wait for before he may have the value or load it, such as a limit that he counts against: what is stored
   * is looked up meanwhile. When it rejects, so does his call, and nothing has been loaded.
   */
  readonly beside?: Promise<unknown>;
}

export interface Loaded<T> {
  readonly value: T;
  /** `stale`: found, and past its freshness. */
  readonly source: 'hit' | 'stale' | 'loaded' | 'joined' | 'followed';
  /** Seconds since the value was stored; 0 for one just loaded, null where another system wrote it. */
  readonly ageSeconds: number | null;
  /** The entry as it was found; null for a value that was not read from Redis. */
  readonly hit: Hit<T> | null;
  /** Of a load by this very call: whether it was stored. */
  readonly stored: Promise<FillResult> | null;
}
