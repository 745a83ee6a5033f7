import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { Cache } from '../cache/cache.js';
import { CacheAside } from '../cache/cache-aside.js';
import type { CacheObserver } from '../cache/observer.js';
import type { CacheSettings } from '../cache/settings.js';
import { RedisRoles, type RedisTopology } from '../redis/roles.js';
import { CACHE_CORE_SETTINGS, type CacheCoreSettings } from './cache-core-settings.js';
import { CacheAsideInterceptor } from './cache-aside.interceptor.js';
import { CachedMethods } from './cached-methods.js';
import { KeyvStores } from './cache-manager/keyv-stores.js';

export interface CacheCoreOptions {
  /** Where Redis is; or the roles themselves, not yet open, where the application needs them before Nest starts. */
  readonly redis: RedisTopology | RedisRoles;
  /** Of the cache protocol: key prefix, size limits, times to live. Or the cache itself, on the roles given above. */
  readonly cache?: Partial<CacheSettings> | Cache;
  readonly observer?: CacheObserver;
  /**
   * Whether decorated methods and routes fail when they read input that their key does not cover.
   * @default true unless NODE_ENV is `production`
   */
  readonly keyCoverage?: boolean;
}

export interface CacheCoreAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): CacheCoreOptions | Promise<CacheCoreOptions>;
}

const OPTIONS = Symbol('CacheCoreOptions');

/** Closes Redis last: whoever still writes into it when the application stops does so in an earlier hook. */
@Injectable()
class RedisEnd implements OnApplicationShutdown {
  readonly #roles: RedisRoles;
  readonly #cache: Cache;

  constructor(@Inject(RedisRoles) roles: RedisRoles, @Inject(Cache) cache: Cache) {
    this.#roles = roles;
    this.#cache = cache;
  }

  onApplicationShutdown(): Promise<void> {
    this.#cache.close();
    return this.#roles.close();
  }
}

/**
 * The cache for a Nest application: `Cache` and `CacheAside` to inject, and what `@Cacheable`, `@CacheEvict`,
 * `@CachedRoute` and `KeyvStores` need. Global: import it once. Connecting goes on in the background: an application starts
 * and answers without Redis.
 *
 * @since 0.2.0
 */
@Module({})
export class CacheCoreModule {
  static forRoot(options: CacheCoreOptions): DynamicModule {
    return CacheCoreModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: CacheCoreAsyncOptions): DynamicModule {
    return {
      module: CacheCoreModule,
      global: true,
      imports: options.imports ?? [],
      providers: [
        { provide: OPTIONS, inject: options.inject ?? [], useFactory: options.useFactory.bind(options) },
        ...PROVIDERS,
      ],
      exports: EXPORTS,
    };
  }
}

const PROVIDERS: Provider[] = [
  {
    provide: RedisRoles,
    inject: [OPTIONS],
    useFactory: ({ redis }: CacheCoreOptions) => (redis instanceof RedisRoles ? redis : new RedisRoles(redis)).open(),
  },
  {
    provide: Cache,
    inject: [OPTIONS, RedisRoles],
    useFactory: ({ cache, observer }: CacheCoreOptions, roles: RedisRoles) =>
      cache instanceof Cache ? cache : new Cache(roles, cache, observer),
  },
  {
    provide: CacheAside,
    inject: [Cache, RedisRoles],
    useFactory: (cache: Cache, roles: RedisRoles) => new CacheAside(cache, roles),
  },
  {
    provide: CACHE_CORE_SETTINGS,
    inject: [OPTIONS],
    useFactory: ({ keyCoverage }: CacheCoreOptions): CacheCoreSettings =>
      Object.freeze({ keyCoverage: keyCoverage ?? process.env['NODE_ENV'] !== 'production' }),
  },
  CachedMethods,
  CacheAsideInterceptor,
  KeyvStores,
  RedisEnd,
];

const EXPORTS = [RedisRoles, Cache, CacheAside, CACHE_CORE_SETTINGS, CachedMethods, CacheAsideInterceptor, KeyvStores];
