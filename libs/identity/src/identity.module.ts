import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { ApiKeys } from './api-keys.js';
import { AuditLog } from './audit/audit-log.js';
import { AuditController } from './http/audit.controller.js';
import { KeysController } from './http/keys.controller.js';
import { IDENTITY_OPTIONS, type IdentityOptions } from './identity-options.js';

export interface IdentityAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): IdentityOptions | Promise<IdentityOptions>;
  /** Whether `/v1/keys` and `/v1/audit` are served. @default true */
  readonly routes?: boolean;
}

/**
 * API keys, the audit log and their routes. Needs `DatabaseModule` with `IDENTITY_MIGRATIONS`, a global validation pipe, and
 * something that puts the `principal` on the request.
 */
@Module({})
export class IdentityModule {
  static forRoot(options: IdentityOptions & { readonly routes?: boolean }): DynamicModule {
    const { routes } = options;
    return IdentityModule.forRootAsync({ useFactory: () => options, ...(routes === undefined ? {} : { routes }) });
  }

  static forRootAsync(options: IdentityAsyncOptions): DynamicModule {
    const settings: FactoryProvider<IdentityOptions> = {
      provide: IDENTITY_OPTIONS,
      inject: options.inject ?? [],
      useFactory: (...dependencies: unknown[]) => options.useFactory(...dependencies),
    };
    return {
      module: IdentityModule,
      global: true,
      imports: options.imports ?? [],
      controllers: options.routes === false ? [] : [KeysController, AuditController],
      providers: [settings, AuditLog, ApiKeys],
      exports: [ApiKeys, AuditLog],
    };
  }
}
