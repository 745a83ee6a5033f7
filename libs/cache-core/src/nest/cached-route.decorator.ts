import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import type { Family } from '../keyspace/family.js';
import { CacheAsideInterceptor } from './cache-aside.interceptor.js';
import { CACHED_ROUTE, type CachedRouteOptions } from './cached-route-options.js';

/**
 * Cache-aside for a route: what the handler returns is the family's value, stored under the key that the request gives.
 * Callers steer it as every cached route (`Cache-Control`, `x-cache-ttl`, `x-cache-tags`, `x-cache-namespace`), and are
 * told where the answer came from (`x-cache`, `Cache-Status`, `Age`).
 *
 * The handler runs only when the answer has to be loaded, and then once for all who ask for it: guards run for every
 * request, so what a caller may see belongs into guards or into the key, never into the handler.
 *
 * When not to use it: for routes that are not GET or a lookup, and where the answer depends on who asks without the key
 * saying so (outside production, a handler that reads more of `params`, `query` or `body` than the key did fails).
 *
 * @since 0.2.0
 */
export function CachedRoute<F extends Family>(family: F, options: CachedRouteOptions<F>): MethodDecorator {
  return applyDecorators(SetMetadata(CACHED_ROUTE, { family, ...options }), UseInterceptors(CacheAsideInterceptor));
}
