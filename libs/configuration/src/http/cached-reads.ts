import { BadRequestException, Inject, Injectable } from '@nestjs/common';
import {
  absent,
  ageMsOf,
  Cache,
  CacheAside,
  CacheControlError,
  forwardedCacheHeaders,
  forwardingOf,
  hitCacheHeaders,
  parseCacheControls,
  valueReading,
  type CacheControls,
  type Family,
  type Hit,
  type RequestHeaders,
  type ResponseHeaders,
  type ValueOf,
} from '@promptsales/cache-core';
import { ProblemError } from '@promptsales/http-edge';
import { ABSENT_FOR, type CachedRow } from '../stored/cached-row.js';

export interface CachedAnswer<T> {
  /** Null: there is none. */
  readonly value: T | null;
  /** Where it came from. */
  readonly headers: ResponseHeaders;
}

/** Reads rows for HTTP callers, who may say how old an answer may be. */
@Injectable()
export class CachedReads {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(CacheAside) private readonly aside: CacheAside,
  ) {}

  /**
   * The row as the caller wants it: `no-cache` from PostgreSQL, `no-store` without keeping it, `max-age`, `only-if-cached`.
   * @throws BadRequestException for headers that cannot be read, ProblemError `not_cached` for what is not kept
   */
  async read<F extends Family>(
    { ref, load, usable = always }: CachedRow<F>,
    requestHeaders: RequestHeaders,
  ): Promise<CachedAnswer<ValueOf<F>>> {
    const controls = controlsOf(requestHeaders);
    const { noCache, noStore, maxAgeSeconds } = controls;
    const maxAgeMs = (maxAgeSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    const accept = (found: Hit<ValueOf<F> | typeof absent>): boolean =>
      ageMsOf(found) <= maxAgeMs && (found.value === absent || usable(found.value));
    if (controls.onlyIfCached) {
      const found = noCache || noStore ? null : await this.cache.lookup(valueReading(ref));
      if (found?.kind === 'hit' && accept(found.hit)) {
        return { value: found.hit.value, headers: hitCacheHeaders(found.hit) };
      }
      throw new ProblemError('not_cached', 'There is no stored answer, and only-if-cached forbids to load one.');
    }
    if (noStore) return { value: orNull(await load()), headers: forwardedCacheHeaders('BYPASS', { why: 'no-store' }) };
    const { value, hit, source, stored } = await this.aside.getOrLoad(ref, load, {
      ...ABSENT_FOR,
      anew: noCache,
      accept,
    });
    if (hit !== null) return { value: orNull(value), headers: hitCacheHeaders(hit) };
    if (source !== 'loaded') return { value: orNull(value), headers: forwardedCacheHeaders('COALESCED') };
    const forwarding = forwardingOf(await stored);
    return { value: orNull(value), headers: forwardedCacheHeaders(noCache ? 'REFRESH' : 'MISS', forwarding) };
  }
}

function always(): boolean {
  return true;
}

function orNull<T>(value: T | typeof absent): T | null {
  return value === absent ? null : value;
}

function controlsOf(headers: RequestHeaders): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    throw new BadRequestException(error.message, { cause: error, errorCode: error.code });
  }
}
