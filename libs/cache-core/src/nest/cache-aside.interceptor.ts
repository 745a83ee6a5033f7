import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { firstValueFrom, from, type Observable } from 'rxjs';
import { Cache } from '../cache/cache.js';
import { CacheAside } from '../cache/cache-aside.js';
import type { Family } from '../keyspace/family.js';
import { CACHE_CORE_SETTINGS, type CacheCoreSettings } from './cache-core-settings.js';
import { bypassed, cacheControlsOf, cachedAnswer, type CachedAnswer } from './cached-answer.js';
import { CACHED_ROUTE, type CachedRouteOptions, type RequestInput } from './cached-route-options.js';
import { coveredRequest } from './watched-request.js';

type Route = CachedRouteOptions<Family> & { readonly family: Family };

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

  async #answer(
    route: Route,
    request: RequestInput,
    handle: () => Promise<unknown>,
    name: string,
  ): Promise<CachedAnswer> {
    const controls = cacheControlsOf(request.headers);
    if (controls.noStore) return bypassed(handle);
    const { family, key, tenant, tags, ignores = [], ...load } = route;
    const keyed = this.#settings.keyCoverage
      ? coveredRequest(name, request, key, handle, ignores)
      : { key: key(request), load: handle };
    const ref = family.at(keyed.key, tenant?.(request));
    const wanted = { ref, load: keyed.load, tags: tags?.(request) ?? [], options: load };
    return cachedAnswer({ cache: this.#cache, aside: this.#aside }, wanted, controls);
  }
}
