import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  GatewayTimeoutException,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { firstValueFrom, from, type Observable } from 'rxjs';
import { Cache } from '../cache/cache.js';
import { CacheAside } from '../cache/cache-aside.js';
import type { Loaded, LoadOptions } from '../cache/load-options.js';
import { valueReading } from '../cache/family-value.js';
import type { EntryLabels } from '../cache/entry.js';
import type { Hit } from '../cache/judgement.js';
import { MOST_TAGS } from '../cache/versions.js';
import { CacheControlError, parseCacheControls, type CacheControls } from '../http-caching/cache-controls.js';
import {
  ageMsOf,
  forwardedCacheHeaders,
  forwardingOf,
  hitCacheHeaders,
  staleCacheHeaders,
  type ResponseHeaders,
} from '../http-caching/cache-headers.js';
import type { Family, KeyRef } from '../keyspace/family.js';
import { CACHE_CORE_SETTINGS, type CacheCoreSettings } from './cache-core-settings.js';
import { CACHED_ROUTE, type CachedRouteOptions, type RequestInput } from './cached-route-options.js';
import { coveredRequest } from './watched-request.js';

type Route = CachedRouteOptions<Family> & { readonly family: Family };

interface Answer {
  readonly value: unknown;
  readonly headers: ResponseHeaders;
}

/** Runs what `@CachedRoute` declares. Does nothing on a route without it. */
@Injectable()
export class CacheAsideInterceptor implements NestInterceptor {
  readonly #cache: Cache;
  readonly #aside: CacheAside;
  readonly #settings: CacheCoreSettings;
  readonly #reflector: Reflector;
  readonly #host: HttpAdapterHost;

  constructor(
    @Inject(Cache) cache: Cache,
    @Inject(CacheAside) aside: CacheAside,
    @Inject(CACHE_CORE_SETTINGS) settings: CacheCoreSettings,
    @Inject(Reflector) reflector: Reflector,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.#cache = cache;
    this.#aside = aside;
    this.#settings = settings;
    this.#reflector = reflector;
    this.#host = host;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const route = this.#reflector.get<Route | undefined>(CACHED_ROUTE, context.getHandler());
    if (route === undefined || context.getType() !== 'http') return next.handle();
    return from(this.#respond(route, context, next));
  }

  async #respond(route: Route, context: ExecutionContext, next: CallHandler): Promise<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<RequestInput>();
    const name = `${context.getClass().name}.${context.getHandler().name}`;
    const { value, headers } = await this.#answer(route, request, () => firstValueFrom(next.handle()), name);
    const response: unknown = http.getResponse();
    for (const [header, text] of Object.entries(headers)) {
      this.#host.httpAdapter.setHeader(response, header, text);
    }
    return value;
  }

  async #answer(route: Route, request: RequestInput, handle: () => Promise<unknown>, name: string): Promise<Answer> {
    const controls = controlsOf(request);
    if (controls.noStore)
      return { value: await handle(), headers: forwardedCacheHeaders('BYPASS', { why: 'no-store' }) };
    const { family, key, tenant, tags, ignores = [], ...load } = route;
    const keyed = this.#settings.keyCoverage
      ? coveredRequest(name, request, key, handle, ignores)
      : { key: key(request), load: handle };
    const ref = family.at(keyed.key, tenant?.(request));
    const labels = labelsOf(controls, tags?.(request) ?? []);
    if (controls.onlyIfCached) return this.#onlyIfCached(ref, controls);
    const options: LoadOptions = {
      ...load,
      ...(controls.ttlSeconds === null ? {} : { ttlSeconds: controls.ttlSeconds }),
      labels,
      anew: controls.noCache,
    };
    const loadWithin = (staleSeconds: number): Promise<Loaded<unknown>> =>
      this.#aside.getOrLoad(ref, keyed.load, { ...options, accept: (hit) => isWithin(controls, hit, staleSeconds) });
    try {
      const loaded = await loadWithin(controls.staleWhileRevalidateSeconds ?? 0);
      // Behind the caller, who has his answer. How it ends, the observer is told.
      if (loaded.hit !== null && !isWithin(controls, loaded.hit, 0)) void loadWithin(0).catch(alreadyCounted);
      return { value: loaded.value, headers: await headersOf(loaded, controls) };
    } catch (error) {
      const { staleIfErrorSeconds } = controls;
      const found = staleIfErrorSeconds === null ? null : await this.#cache.lookup(valueReading(ref));
      if (found?.kind !== 'hit' || !isWithin(controls, found.hit, staleIfErrorSeconds ?? 0)) throw error;
      return { value: found.hit.value, headers: staleCacheHeaders(found.hit, controls.maxAgeSeconds ?? 0) };
    }
  }

  async #onlyIfCached(ref: KeyRef, controls: CacheControls): Promise<Answer> {
    const found = controls.noCache ? null : await this.#cache.lookup(valueReading(ref));
    if (found?.kind !== 'hit' || !isWithin(controls, found.hit, 0)) {
      throw new GatewayTimeoutException('There is no stored answer, and only-if-cached forbids to load one.');
    }
    return { value: found.hit.value, headers: hitCacheHeaders(found.hit) };
  }
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

function alreadyCounted(): void {}

function controlsOf({ headers }: RequestInput): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    throw new BadRequestException(error.message, { cause: error, errorCode: error.code });
  }
}

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
