import { Module, type DynamicModule } from '@nestjs/common';
import { BreakersController } from './http/breakers.controller.js';
import { LocksController } from './http/locks.controller.js';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from './management-options.js';

/** The cache's own affairs over HTTP. Needs `Locks` and `Breakers` as global providers, and a global validation pipe. */
@Module({})
export class CacheManagementModule {
  static forRoot(options: CacheManagementOptions): DynamicModule {
    return {
      module: CacheManagementModule,
      controllers: [LocksController, BreakersController],
      providers: [{ provide: CACHE_MANAGEMENT_OPTIONS, useValue: options }],
    };
  }
}
