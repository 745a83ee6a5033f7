import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { Database } from './database.js';
import type { DatabaseOptions } from './database-options.js';

export interface DatabaseAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): DatabaseOptions | Promise<DatabaseOptions>;
}

/**
 * Provides `Database` to the whole application. It is started while the container is built, so that whoever injects it finds a
 * server that answers and a schema that is migrated.
 */
@Module({})
export class DatabaseModule {
  static forRoot(options: DatabaseOptions): DynamicModule {
    return DatabaseModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: DatabaseAsyncOptions): DynamicModule {
    const database: FactoryProvider<Database> = {
      provide: Database,
      inject: options.inject ?? [],
      useFactory: async (...dependencies: unknown[]) => Database.start(await options.useFactory(...dependencies)),
    };
    return {
      module: DatabaseModule,
      global: true,
      imports: options.imports ?? [],
      providers: [database],
      exports: [Database],
    };
  }
}
