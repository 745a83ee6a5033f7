import type { LoadOptions } from '../cache/load-options.js';
import type { FreshnessOptions } from '../cache/freshness.js';
import type { RequestHeaders } from '../http-caching/cache-controls.js';
import type { Family } from '../keyspace/family.js';
import type { SegmentsFor } from './cacheable-options.js';

export const CACHED_ROUTE = Symbol('CachedRoute');

/** What a key is made from. The same for Fastify and Express. */
export interface RequestInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly headers: RequestHeaders;
}

export interface CachedRouteOptions<F extends Family> extends FreshnessOptions, Pick<LoadOptions, 'ttlSeconds'> {
  /** The segments of the key. What the handler reads of `params`, `query` and `body` must be in it. */
  readonly key: (input: RequestInput) => SegmentsFor<F>;
  /** Whose entry it is, from the request as the guards left it; by default the tenant `default`. */
  readonly tenant?: (request: unknown) => string;
  /** Besides those that the caller names in `x-cache-tags`. */
  readonly tags?: (input: RequestInput) => readonly string[];
  /** Input that the answer does not depend on, such as `query.utm_source`. */
  readonly ignores?: readonly string[];
}
