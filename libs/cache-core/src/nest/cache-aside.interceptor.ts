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
import { CacheAside, type Loaded } from '../cache/cache-aside.js';
import { valueReading } from '../cache/family-value.js';
import { CacheControlError, parseCacheControls, type CacheControls } from '../http-caching/cache-controls.js';
import {
  ageMsOf,
  forwardedCacheHeaders,
  hitCacheHeaders,
  type ResponseHeaders,
} from '../http-caching/cache-headers.js';
import { covered } from '../key-coverage/key-coverage.js';
import type { Family, KeyRef } from '../keyspace/family.js';
import { CACHE_CORE_SETTINGS, type CacheCoreSettings } from './cache-core-settings.js';
import { CACHED_ROUTE, type CachedRouteOptions, type RequestInput } from './cached-route-options.js';

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
    if (controls.noStore) return { value: await handle(), headers: forwardedCacheHeaders('BYPASS', false) };
    const { family, key, tenant, tags, ignores = [], ...load } = route;
    const keyed = this.#settings.keyCoverage
      ? coveredRequest(name, request, key, handle, ignores)
      : { key: key(request), load: handle };
    const ref = family.at(keyed.key, tenant?.(request));
    const labels = {
      tags: [...controls.tags, ...(tags?.(request) ?? [])],
      ...(controls.namespace === '' ? {} : { namespace: controls.namespace }),
    };
    if (controls.onlyIfCached) return this.#onlyIfCached(ref, controls);
    const freshFor = (controls.maxAgeSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    const loaded = await this.#aside.getOrLoad(ref, keyed.load, {
      ...load,
      ...(controls.ttlSeconds === null ? {} : { ttlSeconds: controls.ttlSeconds }),
      labels,
      anew: controls.noCache,
      accept: (hit) => ageMsOf(hit) <= freshFor,
    });
    return { value: loaded.value, headers: await headersOf(loaded, controls) };
  }

  async #onlyIfCached(ref: KeyRef, controls: CacheControls): Promise<Answer> {
    const found = controls.noCache ? null : await this.#cache.lookup(valueReading(ref));
    const freshFor = (controls.maxAgeSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    if (found?.kind !== 'hit' || ageMsOf(found.hit) > freshFor) {
      throw new GatewayTimeoutException('There is no stored answer, and only-if-cached forbids to load one.');
    }
    return { value: found.hit.value, headers: hitCacheHeaders(found.hit) };
  }
}

function controlsOf({ headers }: RequestInput): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    throw new BadRequestException(error.message, { cause: error, errorCode: error.code });
  }
}

async function headersOf(loaded: Loaded<unknown>, { noCache }: CacheControls): Promise<ResponseHeaders> {
  if (loaded.hit !== null) return hitCacheHeaders(loaded.hit);
  if (loaded.source !== 'loaded') return forwardedCacheHeaders('COALESCED', false);
  return forwardedCacheHeaders(noCache ? 'REFRESH' : 'MISS', (await loaded.stored) === 'stored');
}

/** The key from the request, and a handler that reads no more of the request than the key did. */
function coveredRequest<K>(
  name: string,
  request: RequestInput,
  key: (input: RequestInput) => K,
  handle: () => Promise<unknown>,
  ignores: readonly string[],
): { key: K; load: () => Promise<unknown> } {
  const { params, query, body, headers } = request;
  const load = async (watched: RequestInput): Promise<unknown> => {
    // Handlers take their parameters from the request itself. Headers stay: the framework reads them too.
    Object.assign(request, { params: watched.params, query: watched.query });
    if (typeof body === 'object' && body !== null) Object.assign(request, { body: watched.body });
    try {
      return await handle();
    } finally {
      Object.assign(request, { params, query, body });
    }
  };
  return covered({ what: name, input: { params, query, body, headers }, key, load, ignores });
}
