import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
} from '@nestjs/common';
import { Cache, CacheAside, InvalidationOperations, Keyring, RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { ClientConfigurations } from './clients/client-configurations.js';
import { CONFIGURATION_OPTIONS, type ConfigurationOptions } from './configuration-options.js';
import { ConfigurationCacheController } from './http/cache.controller.js';
import { CachedReads } from './http/cached-reads.js';
import { ClientsController } from './http/clients.controller.js';
import { ConfigurationsController } from './http/configurations.controller.js';
import { ProvidersController } from './http/providers.controller.js';
import { ConfigurationCache } from './management/configuration-cache.js';
import { ProviderDirectory } from './providers/provider-directory.js';
import { Seal } from './secrets/seal.js';
import { Configurations } from './stored/configurations.js';
import { SystemConfigurations } from './stored/system-configurations.js';

export interface ConfigurationAsyncOptions {
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** @default true */
  readonly routes?: boolean;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): ConfigurationOptions;
}

@Injectable()
class DirectoryEnd implements BeforeApplicationShutdown {
  constructor(@Inject(ProviderDirectory) private readonly directory: ProviderDirectory) {}

  beforeApplicationShutdown(): void {
    this.directory.stop();
  }
}

const PROVIDERS: readonly Provider[] = [
  { provide: Seal, inject: [Keyring], useFactory: (keyring: Keyring) => new Seal(keyring) },
  {
    provide: Configurations,
    inject: [CONFIGURATION_OPTIONS, Database, Cache, CacheAside, Seal],
    useFactory: (
      { outbox, sharedProviders, systems = {}, observer = {} }: ConfigurationOptions,
      database: Database,
      cache: Cache,
      aside: CacheAside,
      seal: Seal,
    ) => new Configurations({ database, cache, aside, outbox, seal, sharedProviders, systems, observer }),
  },
  {
    provide: ClientConfigurations,
    inject: [CONFIGURATION_OPTIONS, Database, CacheAside],
    useFactory: ({ outbox, observer = {} }: ConfigurationOptions, database: Database, aside: CacheAside) =>
      new ClientConfigurations({ database, aside, outbox, observer }),
  },
  {
    provide: ProviderDirectory,
    inject: [CONFIGURATION_OPTIONS, Database, Seal],
    useFactory: ({ observer = {} }: ConfigurationOptions, database: Database, seal: Seal) =>
      new ProviderDirectory({ database, seal, observer }).start(),
  },
  {
    provide: ConfigurationCache,
    inject: [Cache, RedisRoles, InvalidationOperations],
    useFactory: (cache: Cache, roles: RedisRoles, operations: InvalidationOperations) =>
      new ConfigurationCache(cache, roles, operations),
  },
  {
    provide: SystemConfigurations,
    inject: [Configurations, CacheAside],
    useFactory: (configurations: Configurations, aside: CacheAside) => new SystemConfigurations(configurations, aside),
  },
  CachedReads,
  DirectoryEnd,
];

/**
 * Providers, systems' and clients' configurations, and their routes. Needs `Cache`, `CacheAside`, `RedisRoles`,
 * `InvalidationOperations`, `Keyring` and `Database` (with `CONFIGURATION_MIGRATIONS`) as global providers, and a global
 * validation pipe.
 */
@Module({})
export class ConfigurationModule {
  static forRootAsync(options: ConfigurationAsyncOptions): DynamicModule {
    const settings: FactoryProvider<ConfigurationOptions> = {
      provide: CONFIGURATION_OPTIONS,
      inject: options.inject,
      useFactory: (...dependencies: unknown[]) => options.useFactory(...dependencies),
    };
    return {
      module: ConfigurationModule,
      global: true,
      controllers:
        options.routes === false
          ? []
          : [ProvidersController, ConfigurationsController, ConfigurationCacheController, ClientsController],
      providers: [settings, ...PROVIDERS],
      exports: [ProviderDirectory, ClientConfigurations, SystemConfigurations],
    };
  }
}
