import type { FastifyInstance } from 'fastify';
import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { ruleFor, type AccessRule, type AccessTable } from './access-rule.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    accessRule?: AccessRule;
  }
}

export interface RegisteredRoute {
  readonly method: string;
  /** Fastify's pattern, such as `/v1/keys/:id`. */
  readonly pattern: string;
  readonly rule: AccessRule;
}

/** Routes that were registered without anybody having said who may call them. */
export class UnruledRoutesError extends Error {
  readonly code = 'unruled_routes';
  readonly routes: readonly string[];

  constructor(routes: readonly string[]) {
    super(`No access rule for ${routes.join(', ')}. Add a line for each to the access table of the application.`);
    this.name = 'UnruledRoutesError';
    this.routes = routes;
  }
}

/** Every route of the server with its rule; refuses to start a server that has a route without one. */
export class RegisteredRoutes {
  readonly #routes: RegisteredRoute[] = [];
  readonly #unruled: string[] = [];
  readonly #byPath = FindMyWay();

  /** Must be called before the first route is registered: Fastify tells of later ones only. */
  watch(instance: FastifyInstance, table: AccessTable): void {
    instance.addHook('onRoute', (route) => {
      const methods = typeof route.method === 'string' ? [route.method] : route.method;
      for (const method of methods) {
        const rule = ruleFor(table, method, route.url);
        if (rule === undefined) {
          this.#unruled.push(`${method} ${route.url}`);
          continue;
        }
        const errorShape = 'errors' in rule ? rule.errors : undefined;
        route.config = { ...route.config, accessRule: rule, ...(errorShape === undefined ? {} : { errorShape }) };
        this.#routes.push({ method, pattern: route.url, rule });
        this.#remember(method, route.url);
      }
    });
    instance.addHook('onReady', (done) => {
      done(this.#unruled.length > 0 ? new UnruledRoutesError(this.#unruled) : undefined);
    });
  }

  all(): readonly RegisteredRoute[] {
    return this.#routes;
  }

  /** The methods that a path does take, for a 405; empty for a path that is nobody's. */
  methodsOf(path: string): readonly string[] {
    const methods = new Set<string>();
    for (const { method } of this.#routes) {
      const found = this.#byPath.find(method as HTTPMethod, path);
      // An empty parameter is none: `/v1/keys/` is not a key.
      if (found !== null && !Object.values(found.params).includes('')) methods.add(method);
    }
    return [...methods].toSorted();
  }

  #remember(method: string, pattern: string): void {
    if (!this.#byPath.hasRoute(method as HTTPMethod, pattern)) {
      this.#byPath.on(method as HTTPMethod, pattern, () => undefined);
    }
  }
}
