import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { HEALTH_OPTIONS, type HealthOptions } from './health-options.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { DatabaseHealth } from './probes/database-health.js';
import { RedisHealth } from './redis/redis-health.js';
import { HealthMonitor } from './summary/health-monitor.js';
import { HealthSummary } from './summary/health-summary.js';

/** Probes, and metrics where they are switched on. */
@Module({})
export class HealthModule {
  static forRoot(options: HealthOptions): DynamicModule {
    return {
      module: HealthModule,
      // Changes of state are logged by the monitor; Terminus would log every failed probe.
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: options.metrics === undefined ? [HealthController] : [HealthController, MetricsController],
      providers: [
        { provide: HEALTH_OPTIONS, useValue: options },
        { provide: RedisHealth, useValue: new RedisHealth(options.redis, options.redisOptions) },
        { provide: DatabaseHealth, useValue: new DatabaseHealth(options.database) },
        HealthSummary,
        HealthMonitor,
      ],
      exports: [HealthSummary, RedisHealth, DatabaseHealth],
    };
  }
}
