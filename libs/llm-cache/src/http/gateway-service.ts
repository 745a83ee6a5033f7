import { CacheAside, type Breakers, type Cache, type RedisRoles } from '@promptsales/cache-core';
import type { FastifyInstance } from 'fastify';
import { Embeddings } from '../embeddings/embeddings.js';
import { DEFAULT_FLIGHT, type FlightBounds } from '../flight/flight-bounds.js';
import type { PolicySource, UpstreamDirectory } from '../gateway/directories.js';
import { FlightDeck } from '../gateway/flight-deck.js';
import { Gateway } from '../gateway/gateway.js';
import { Rotation } from '../gateway/rotation.js';
import { Generations } from '../generations/generations.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ResponseMakers } from '../ledger/response-makers.js';
import { MadeResponses } from '../made-responses/made-responses.js';
import type { Prices } from '../prices/price-table.js';
import { PolicyTable } from '../request/policy.js';
import { type SemanticParts, SemanticTier } from '../semantic/semantic-tier.js';
import { Asker } from '../upstream/asker.js';
import { GuardedUpstream } from '../upstream/guarded-upstream.js';
import { UpstreamClient, type UpstreamSettings } from '../upstream/upstream-client.js';
import type { CallerOf } from './caller.js';
import { registerGatewayRoutes } from './gateway-routes.js';
import type { LlmCacheObserver } from './llm-cache-observer.js';
import { ModelList } from './model-list.js';
import { PassThrough } from './pass-through.js';

export interface LlmCacheOptions {
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly ledger: Ledger;
  readonly callerOf: CallerOf;
  readonly upstreams: UpstreamDirectory;
  /** @default the one policy `default` */
  readonly policies?: PolicySource;
  /** How answers to other questions are judged, where a policy wants them. */
  readonly semantic?: Pick<SemanticParts, 'judge' | 'settings' | 'random'>;
  readonly upstream?: Partial<UpstreamSettings>;
  /** Who had which response made: these may read, continue, cancel and delete it. @default nobody is asked, and none of it can be done but continuing */
  readonly makers?: ResponseMakers;
  /** What generations are said to cost. @default nothing is known */
  readonly prices?: Prices;
  /** One in front of each upstream. @default none */
  readonly breakers?: Breakers;
  readonly bounds?: Partial<FlightBounds>;
  readonly observer?: LlmCacheObserver;
  /** @default 10 MiB */
  readonly bodyLimitBytes?: number;
  /** How long answers under way may take to end when the process stops. @default 10 s */
  readonly shutdownMs?: number;
}

export const DEFAULT_ONLY: PolicySource = new PolicyTable([]);
const NO_PRICES: Prices = { of: () => null };
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
export const SHUTDOWN_MS = 10_000;

/** The gateway put together: its routes for any Fastify instance, and its end. */
export class GatewayService {
  readonly #options: LlmCacheOptions;
  readonly #client: UpstreamClient;
  readonly #deck: FlightDeck;
  readonly #gateway: Gateway;
  readonly #models: ModelList;
  readonly #embeddings: Embeddings;
  readonly #passing: PassThrough;
  readonly #responses: MadeResponses | null;
  readonly generations: Generations;
  readonly semantic: SemanticTier;

  constructor(options: LlmCacheOptions) {
    const { cache, roles, ledger, bounds, observer = {}, upstream: settings, breakers } = options;
    const { upstreams, policies = DEFAULT_ONLY, prices = NO_PRICES } = options;
    this.#options = options;
    this.#client = new UpstreamClient(settings);
    const upstream = breakers === undefined ? this.#client : new GuardedUpstream(this.#client, breakers);
    const asker = new Asker(upstream);
    this.#deck = new FlightDeck({ cache, roles, ledger, asker, bounds: { ...DEFAULT_FLIGHT, ...bounds }, observer });
    const { makers } = options;
    this.#responses = makers === undefined ? null : new MadeResponses({ makers, upstreams, policies });
    const responses = this.#responses;
    const rotation = new Rotation(roles, cache.keyPrefix, (error) => observer.failed?.(error));
    const semantic = new SemanticTier({ cache, roles, upstreams, ledger, observer, ...options.semantic });
    const gateway = new Gateway({
      cache,
      deck: this.#deck,
      ledger,
      upstreams,
      policies,
      rotation,
      semantic,
      responses,
      observer,
    });
    this.semantic = semantic;
    const aside = new CacheAside(cache, roles);
    this.#gateway = gateway;
    this.#models = new ModelList({ cache, aside, client: upstream, upstreams, observer });
    this.#embeddings = new Embeddings({ gateway, cache, aside, upstream, ledger, upstreams, policies, observer });
    this.#passing = new PassThrough({ client: upstream, upstreams, observer });
    this.generations = new Generations({ gateway, cache, aside, ledger, upstreams, policies, prices });
  }

  get callerOf(): CallerOf {
    return this.#options.callerOf;
  }

  /** In a context of its own, so that its parsers and errors are nobody else's. */
  async register(instance: FastifyInstance): Promise<void> {
    const { callerOf, observer = {} } = this.#options;
    const [gateway, embeddings, models, passing] = [this.#gateway, this.#embeddings, this.#models, this.#passing];
    const responses = this.#responses;
    const bodyLimitBytes = this.#options.bodyLimitBytes ?? BODY_LIMIT_BYTES;
    await instance.register((context, _options, done) => {
      const routes = { gateway, embeddings, models, passing, responses, callerOf, observer, bodyLimitBytes };
      registerGatewayRoutes(context, routes);
      done();
    });
  }

  async close(): Promise<void> {
    this.#models.stop();
    this.#passing.stop();
    try {
      const boundMs = this.#options.shutdownMs ?? SHUTDOWN_MS;
      await Promise.all([this.#deck.close(boundMs), this.#embeddings.close(boundMs)]);
    } finally {
      await this.#client.close();
    }
  }
}
