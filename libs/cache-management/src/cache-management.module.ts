import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { BreakersController } from './http/breakers.controller.js';
import { ExplainController } from './http/explain.controller.js';
import { Censuses } from './explore/censuses.js';
import { FamiliesController } from './http/families.controller.js';
import { InvalidationController } from './http/invalidation.controller.js';
import { KeyspaceController } from './http/keyspace.controller.js';
import { LocksController } from './http/locks.controller.js';
import { OperationsController } from './http/operations.controller.js';
import { ValuesController } from './http/values.controller.js';
import { Invalidator } from './invalidation/invalidator.js';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from './management-options.js';
import { CacheValues } from './values/cache-values.js';

export interface CacheManagementAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): CacheManagementOptions;
}

/**
 * The cache's own affairs over HTTP. Needs `Cache`, `PlainValues`, `RedisRoles`, `InvalidationOperations`, `Locks` and `Breakers` as global
 * providers, and a global validation pipe.
 */
@Module({})
export class CacheManagementModule {
  static forRootAsync(options: CacheManagementAsyncOptions): DynamicModule {
    const settings: FactoryProvider<CacheManagementOptions> = {
      provide: CACHE_MANAGEMENT_OPTIONS,
      inject: options.inject,
      useFactory: (...dependencies: unknown[]) => options.useFactory(...dependencies),
    };
    return {
      module: CacheManagementModule,
      imports: options.imports ?? [],
      controllers: [
        LocksController,
        BreakersController,
        InvalidationController,
        OperationsController,
        ValuesController,
        ExplainController,
        FamiliesController,
        KeyspaceController,
      ],
      providers: [settings, Invalidator, CacheValues, Censuses],
    };
  }
}
