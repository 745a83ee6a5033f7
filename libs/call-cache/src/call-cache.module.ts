import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Breakers, Cache, keyspace, RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import type { FastifyInstance } from 'fastify';
import { CALL_CACHE_OPTIONS, type CallCacheOptions } from './call-cache-options.js';
import { GithubController } from './clients/github.controller.js';
import { JsonCalls } from './clients/json-calls.js';
import { SurfsenseController } from './clients/surfsense.controller.js';
import { registerProxyRoutes } from './http/proxy-routes.js';
import { CallCache } from './proxy/call-cache.js';
import { ServiceDirectory } from './services/service-directory.js';
import { Services } from './services/services.js';
import { ServicesController } from './services/services.controller.js';
import { RecordingBudget } from './stored/recording.js';
import { GuardedUpstream } from './upstream/guarded-upstream.js';
import { MeasuredUpstream } from './upstream/measured-upstream.js';
import { UpstreamClient } from './upstream/upstream-client.js';

export interface CallCacheAsyncOptions {
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): CallCacheOptions;
}

const ANY_HASH = '0'.repeat(64);

/** Registers the routes while the application starts, and ends the calls when it stops. */
@Injectable()
class ProxyLifecycle implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(CALL_CACHE_OPTIONS) private readonly options: CallCacheOptions,
    @Inject(CallCache) private readonly calls: CallCache,
    @Inject(ServiceDirectory) private readonly services: ServiceDirectory,
    @Inject(UpstreamClient) private readonly client: UpstreamClient,
  ) {}

  async onModuleInit(): Promise<void> {
    const { calls, services } = this;
    const { callerOf, observer, upstream } = this.options;
    await this.host.httpAdapter.getInstance<FastifyInstance>().register(async (context) => {
      registerProxyRoutes(context, {
        calls,
        services,
        callerOf,
        ...(upstream?.idleTimeoutMs === undefined ? {} : { callerTimeoutMs: upstream.idleTimeoutMs }),
        brokeOff: (error) => observer?.brokeOff?.(error),
        answered: (outcome) => observer?.answered?.(outcome),
        refused: (why) => observer?.refused?.(why),
      });
    });
  }

  beforeApplicationShutdown(): void {
    this.services.stop();
    this.client.close();
  }
}

const PROVIDERS: readonly Provider[] = [
  {
    provide: Services,
    inject: [Database, CALL_CACHE_OPTIONS],
    useFactory: (database: Database, { secrets }: CallCacheOptions) => new Services(database, secrets),
  },
  {
    provide: ServiceDirectory,
    inject: [Database, Cache, CALL_CACHE_OPTIONS],
    useFactory: (database: Database, cache: Cache, { secrets, observer = {} }: CallCacheOptions) => {
      const ref = keyspace.apiCall.at({ service: 'any', method: 'get', params_hash: ANY_HASH });
      return new ServiceDirectory({
        database,
        secrets,
        defaultTtl: cache.ttlSeconds({ ref }),
        watchFailed: (error) => observer.watchFailed?.(error),
        unreadable: (service) => observer.unreadable?.(service),
      }).start();
    },
  },
  {
    provide: UpstreamClient,
    inject: [CALL_CACHE_OPTIONS],
    useFactory: ({ upstream }: CallCacheOptions) => new UpstreamClient(upstream),
  },
  {
    provide: GuardedUpstream,
    inject: [UpstreamClient, Breakers, CALL_CACHE_OPTIONS],
    useFactory: (client: UpstreamClient, breakers: Breakers, { breaker, limits, observer }: CallCacheOptions) => {
      const measured = new MeasuredUpstream(client, (result, seconds) => observer?.called?.(result, seconds));
      return new GuardedUpstream(measured, breakers, limits, breaker);
    },
  },
  {
    provide: JsonCalls,
    inject: [GuardedUpstream],
    useFactory: (upstream: GuardedUpstream) => new JsonCalls(upstream),
  },
  {
    provide: CallCache,
    inject: [Cache, RedisRoles, GuardedUpstream, CALL_CACHE_OPTIONS],
    useFactory: (cache: Cache, roles: RedisRoles, upstream: GuardedUpstream, options: CallCacheOptions) =>
      new CallCache({
        cache,
        roles,
        upstream,
        budget: new RecordingBudget(options.mostRecordedBytes),
        mostBytes: options.mostStoredBytes,
        ...(options.observer === undefined ? {} : { observer: options.observer }),
      }),
  },
  ProxyLifecycle,
];

/**
 * REST services behind a shared HTTP cache: `/proxy/{service}/…` and `/v1/services`. Needs `Cache`, `RedisRoles`, `Breakers` and
 * `Database` (with `SERVICE_MIGRATIONS`) as global providers, and a global validation pipe.
 */
@Module({})
export class CallCacheModule {
  static forRootAsync(options: CallCacheAsyncOptions): DynamicModule {
    return {
      module: CallCacheModule,
      global: true,
      controllers: [ServicesController, SurfsenseController, GithubController],
      providers: [
        {
          provide: CALL_CACHE_OPTIONS,
          inject: options.inject,
          useFactory: (...given: unknown[]) => options.useFactory(...given),
        },
        ...PROVIDERS,
      ],
      exports: [CallCache, ServiceDirectory],
    };
  }
}
