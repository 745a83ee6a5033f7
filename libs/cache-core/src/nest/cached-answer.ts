/** A cached value for an HTTP caller, who may say how old it may be and is told where it came from. */
import { BadRequestException, GatewayTimeoutException } from '@nestjs/common';
import type { Cache } from '../cache/cache.js';
import type { CacheAside } from '../cache/cache-aside.js';
import type { EntryLabels } from '../cache/entry.js';
import { valueReading } from '../cache/family-value.js';
import type { Hit } from '../cache/judgement.js';
import type { Loaded, LoadOptions } from '../cache/load-options.js';
import { MOST_TAGS } from '../cache/versions.js';
import {
  CacheControlError,
  parseCacheControls,
  type CacheControls,
  type RequestHeaders,
} from '../http-caching/cache-controls.js';
import {
  ageMsOf,
  forwardedCacheHeaders,
  forwardingOf,
  hitCacheHeaders,
  staleCacheHeaders,
  type ResponseHeaders,
} from '../http-caching/cache-headers.js';
import type { KeyRef } from '../keyspace/family.js';

export interface CachedAnswer {
  readonly value: unknown;
  /** `x-cache`, `Cache-Status`, `Age` */
  readonly headers: ResponseHeaders;
}

export interface WantedAnswer {
  readonly ref: KeyRef;
  readonly load: () => Promise<unknown>;
  /** Besides those that the caller names. */
  readonly tags?: readonly string[];
  /** From where `load` takes it. What this platform has loaded from elsewhere is not served. */
  readonly source?: string;
  readonly options?: Omit<LoadOptions, 'labels' | 'anew' | 'accept'>;
}

/** @throws BadRequestException `bad_header` for what cannot be read */
export function cacheControlsOf(headers: RequestHeaders): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    const { code, message } = error;
    throw new BadRequestException({ statusCode: 400, code, message }, { cause: error });
  }
}

/** For a caller who wants nothing kept. */
export async function bypassed(load: () => Promise<unknown>): Promise<CachedAnswer> {
  return { value: await load(), headers: forwardedCacheHeaders('BYPASS', { why: 'no-store' }) };
}

/**
 * @throws GatewayTimeoutException `not_cached` when it is not stored and may not be loaded
 * @throws whatever the loader throws
 */
export async function cachedAnswer(
  { cache, aside }: { readonly cache: Cache; readonly aside: CacheAside },
  { ref, load, tags = [], source, options: given = {} }: WantedAnswer,
  controls: CacheControls,
): Promise<CachedAnswer> {
  if (controls.noStore && !controls.onlyIfCached) return bypassed(load);
  const fits = (hit: Hit<unknown>, staleSeconds: number): boolean =>
    isFrom(source, hit) && isWithin(controls, hit, staleSeconds);
  if (controls.onlyIfCached) return onlyIfCached(cache, ref, controls, fits);
  const options: LoadOptions = {
    ...given,
    ...(controls.ttlSeconds === null ? {} : { ttlSeconds: controls.ttlSeconds }),
    labels: labelsOf(controls, tags),
    anew: controls.noCache,
    ...(source === undefined ? {} : { note: () => source }),
  };
  const loadWithin = (staleSeconds: number): Promise<Loaded<unknown>> =>
    aside.getOrLoad(ref, load, { ...options, accept: (hit) => fits(hit, staleSeconds) });
  try {
    const loaded = await loadWithin(controls.staleWhileRevalidateSeconds ?? 0);
    // Behind the caller, who has his answer. How it ends, the observer is told.
    if (loaded.hit !== null && !isWithin(controls, loaded.hit, 0)) void loadWithin(0).catch(alreadyCounted);
    return { value: loaded.value, headers: await headersOf(loaded, controls) };
  } catch (error) {
    const { staleIfErrorSeconds } = controls;
    const found = staleIfErrorSeconds === null ? null : await cache.lookup(valueReading(ref));
    if (found?.kind !== 'hit' || !fits(found.hit, staleIfErrorSeconds ?? 0)) throw error;
    return { value: found.hit.value, headers: staleCacheHeaders(found.hit, controls.maxAgeSeconds ?? 0) };
  }
}

async function onlyIfCached(
  cache: Cache,
  ref: KeyRef,
  controls: CacheControls,
  fits: (hit: Hit<unknown>, staleSeconds: number) => boolean,
): Promise<CachedAnswer> {
  const found = controls.noCache ? null : await cache.lookup(valueReading(ref));
  if (found?.kind !== 'hit' || !fits(found.hit, 0)) {
    const message = 'There is no stored answer, and only-if-cached forbids to load one.';
    throw new GatewayTimeoutException({ statusCode: 504, code: 'not_cached', message });
  }
  return { value: found.hit.value, headers: hitCacheHeaders(found.hit) };
}

/**
 * What the answer is stored under: what the caller asks for, and what the route declares.
 * @throws BadRequestException when only the caller's tags make them too many
 */
function labelsOf({ tags: asked, namespace }: CacheControls, declared: readonly string[]): EntryLabels {
  const tags = [...new Set([...declared, ...asked])];
  if (tags.length > MOST_TAGS && declared.length <= MOST_TAGS) {
    throw new BadRequestException(`x-cache-tags: at most ${MOST_TAGS - declared.length} tags here`);
  }
  return namespace === '' ? { tags } : { tags, namespace };
}

/** Whether an entry is at most so much older than the caller calls fresh. One of unknown age is not, where he says so. */
function isWithin({ maxAgeSeconds }: CacheControls, hit: Hit<unknown>, staleSeconds: number): boolean {
  if (maxAgeSeconds === null) return true;
  return hit.storedAtMs !== null && ageMsOf(hit) <= (maxAgeSeconds + staleSeconds) * 1000;
}

/** What another system wrote is nobody's in particular. */
function isFrom(source: string | undefined, { note, storedAtMs }: Hit<unknown>): boolean {
  return source === undefined || storedAtMs === null || note === source;
}

function alreadyCounted(): void {}

async function headersOf(loaded: Loaded<unknown>, controls: CacheControls): Promise<ResponseHeaders> {
  const { hit } = loaded;
  if (hit !== null) {
    if (!isWithin(controls, hit, 0)) return staleCacheHeaders(hit, controls.maxAgeSeconds ?? 0);
    return loaded.source === 'stale' ? staleCacheHeaders(hit, freshSecondsOf(hit)) : hitCacheHeaders(hit);
  }
  if (loaded.source !== 'loaded') return forwardedCacheHeaders('COALESCED');
  return forwardedCacheHeaders(controls.noCache ? 'REFRESH' : 'MISS', forwardingOf(await loaded.stored));
}

/** How long it was fresh from the time it was stored. */
function freshSecondsOf({ storedAtMs, freshUntilMs }: Hit<unknown>): number {
  return storedAtMs === null || freshUntilMs === null ? 0 : (freshUntilMs - storedAtMs) / 1000;
}
