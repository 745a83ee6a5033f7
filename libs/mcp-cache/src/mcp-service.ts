import type { Cache, Keyring, PlainValues, RedisRoles } from '@promptsales/cache-core';
import type { FastifyInstance } from 'fastify';
import { Generations } from './caching/generations.js';
import { Listeners } from './caching/listeners.js';
import { Results } from './caching/results.js';
import { McpGateway, type GatewayParts } from './gateway/gateway.js';
import type { McpObserver } from './gateway/observer.js';
import { registerMcpRoutes, type McpRoutesParts } from './http/mcp-routes.js';
import { SessionSeal } from './session/session-seal.js';
import type { Upstreams } from './upstream/upstreams.js';

export interface McpServiceOptions extends Pick<GatewayParts, 'serverOf' | 'permissionsOf' | 'ending'> {
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly plain: PlainValues;
  readonly keyring: Keyring;
  readonly callerOf: McpRoutesParts['callerOf'];
  readonly bodyLimitBytes: number;
  readonly upstreams: Upstreams;
  readonly observer: McpObserver;
  /** What is absorbed, and failures of servers. */
  readonly failed: (error: unknown) => void;
}

/** The gateway put together: its routes for any Fastify instance, and its end. */
export class McpService {
  readonly #options: McpServiceOptions;
  readonly #listeners: Listeners;
  readonly #gateway: McpGateway;

  constructor(options: McpServiceOptions) {
    const { cache, roles, plain, keyring, serverOf, permissionsOf, observer, failed, upstreams, ending } = options;
    this.#options = options;
    const generations = new Generations(cache);
    this.#listeners = new Listeners({ plain, generations, failed });
    this.#gateway = new McpGateway({
      serverOf,
      permissionsOf,
      observer,
      silenceMs: upstreams.timeoutMs,
      ending,
      failed,
      upstreamOf: (server) => upstreams.of(server),
      generations,
      listeners: this.#listeners,
      results: new Results(cache, roles, this.#listeners, upstreams.timeoutMs),
      seal: new SessionSeal(keyring),
    });
  }

  /** In a context of its own, so that its parsers and errors are nobody else's. */
  async register(instance: FastifyInstance): Promise<void> {
    const { callerOf, bodyLimitBytes, failed, observer } = this.#options;
    await instance.register((context, _options, done) => {
      registerMcpRoutes(context, {
        gateway: this.#gateway,
        callerOf,
        bodyLimitBytes,
        failed,
        refused: observer.refused,
      });
      done();
    });
  }

  close(): void {
    this.#listeners.close();
  }
}
