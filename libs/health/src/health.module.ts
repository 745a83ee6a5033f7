import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { HEALTH_OPTIONS, type HealthOptions } from './health-options.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { DatabaseHealth } from './probes/database-health.js';
import { RedisHealth } from './redis/redis-health.js';
import { HealthMonitor } from './summary/health-monitor.js';
import { HealthSummary } from './summary/health-summary.js';

export interface HealthAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): HealthOptions;
  /** Whether `/metrics` is served; the routes are decided before anything is injected. */
  readonly metrics: boolean;
}

/** Probes, and metrics where they are switched on. */
@Module({})
export class HealthModule {
  static forRoot(options: HealthOptions): DynamicModule {
    return HealthModule.forRootAsync({
      inject: [],
      useFactory: () => options,
      metrics: options.metrics !== undefined,
    });
  }

  static forRootAsync(options: HealthAsyncOptions): DynamicModule {
    return {
      module: HealthModule,
      // Changes of state are logged by the monitor; Terminus would log every failed probe.
      imports: [TerminusModule.forRoot({ logger: false }), ...(options.imports ?? [])],
      controllers: options.metrics ? [HealthController, MetricsController] : [HealthController],
      providers: [
        {
          provide: HEALTH_OPTIONS,
          inject: options.inject,
          useFactory: (...dependencies: unknown[]) => options.useFactory(...dependencies),
        },
        {
          provide: RedisHealth,
          inject: [HEALTH_OPTIONS],
          useFactory: ({ redis, redisOptions }: HealthOptions) => new RedisHealth(redis, redisOptions),
        },
        {
          provide: DatabaseHealth,
          inject: [HEALTH_OPTIONS],
          useFactory: ({ database }: HealthOptions) => new DatabaseHealth(database),
        },
        HealthSummary,
        HealthMonitor,
      ],
      exports: [HealthSummary, RedisHealth, DatabaseHealth],
    };
  }
}
