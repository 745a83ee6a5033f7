import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { ListsController } from './http/lists.controller.js';
import { importsController } from './http/imports-controller.js';
import { recordsController } from './http/records-controller.js';
import { RecordsGuard } from './http/records-guard.js';
import { RecordImports } from './import/record-imports.js';
import { LEADS, OPORTUNIDADES } from './record/record-kind.js';
import { RECORDS_OPTIONS, type RecordsOptions } from './records-options.js';
import { Records } from './records.js';

export interface RecordsAsyncOptions {
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): RecordsOptions;
}

/** Leads and opportunities over HTTP. Needs `CacheCoreModule` and `Database`, global, and a global validation pipe. */
@Module({})
export class RecordsModule {
  static forRootAsync(options: RecordsAsyncOptions): DynamicModule {
    const settings: FactoryProvider<RecordsOptions> = {
      provide: RECORDS_OPTIONS,
      inject: options.inject,
      useFactory: (...dependencies: unknown[]) => options.useFactory(...dependencies),
    };
    return {
      module: RecordsModule,
      controllers: [
        ListsController,
        ...[LEADS, OPORTUNIDADES].flatMap((kind) => [importsController(kind), recordsController(kind)]),
      ],
      providers: [settings, Records, RecordImports, RecordsGuard],
      exports: [Records],
    };
  }
}
