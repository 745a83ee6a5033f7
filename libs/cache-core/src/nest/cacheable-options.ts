import type { LoadOptions } from '../cache/load-options.js';
import type { FreshnessOptions } from '../cache/freshness.js';
import type { Family } from '../keyspace/family.js';

/** What `family.at()` takes as segments. */
export type SegmentsFor<F extends Family> = Parameters<F['at']>[0];

export interface CacheableOptions<F extends Family, A extends unknown[]>
  extends FreshnessOptions, Pick<LoadOptions, 'ttlSeconds'> {
  /** The segments of the key, from the method's own arguments. */
  readonly key: (...args: A) => SegmentsFor<F>;
  /** Whose entry it is; by default the tenant `default`. */
  readonly tenant?: (...args: A) => string;
  /** By which the entry can be invalidated together with others. */
  readonly tags?: (...args: A) => readonly string[];
  /**
   * Input that the value does not depend on, for the key-coverage guard: positions of arguments, and parts of them, such
   * as `1` or `0.requestId`.
   */
  readonly ignores?: readonly string[];
}

export interface CacheEvictOptions<F extends Family, A extends unknown[]> {
  /** The entries that the method changes. */
  readonly key?: (...args: A) => SegmentsFor<F> | readonly SegmentsFor<F>[];
  /** Everything of the tenant that was stored under one of these tags, of whatever family. */
  readonly tags?: (...args: A) => readonly string[];
  /** All entries of the family that belong to the tenant. */
  readonly wholeFamily?: boolean;
  /** Whose entries; by default the tenant `default`. */
  readonly tenant?: (...args: A) => string;
}
