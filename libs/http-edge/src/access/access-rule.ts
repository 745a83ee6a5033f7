import type { ErrorShape } from '../problem-details/problem-reply.js';

/** Who may call a route. Every registered route has exactly one rule; a route without one stops the process at start. */
export type AccessRule =
  /** Anybody; keys are not even looked at, so that nothing behind them can fail the route. */
  | { readonly access: 'open' }
  /** Anybody; a valid key is shown more. */
  | { readonly access: 'optional' }
  /** Any valid key. */
  | { readonly access: 'key'; readonly errors?: ErrorShape }
  /** A valid key that has one of the scopes. */
  | { readonly access: 'scope'; readonly scopes: readonly [string, ...string[]]; readonly errors?: ErrorShape };

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** `METHOD /pattern` in Fastify's syntax (`GET /v1/keys/:id`) → rule. */
export type AccessTable = Readonly<Partial<Record<`${Method} /${string}`, AccessRule>>>;

/** The rule of a registered route; HEAD is GET without the body. */
export function ruleFor(table: AccessTable, method: string, pattern: string): AccessRule | undefined {
  const key = `${method === 'HEAD' ? 'GET' : method} ${pattern}`;
  return Object.hasOwn(table, key) ? Reflect.get(table, key) : undefined;
}
