import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { healthOptions, identityOptions, keysHealth, PlatformModule, versionOf } from '@promptsales/assembly';
import { RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import { HealthModule, type MetricsRegistry, type Readiness } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { ApiKeys, IdentityModule } from '@promptsales/identity';
import { JobsModule } from './jobs/jobs.module.js';
import { JobRunner } from './jobs/job-runner.js';

export interface WorkerParts {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly readiness: Readiness;
}

/** What the worker does, wired. */
@Module({})
export class WorkerModule {
  static forRoot({ environment, logger, metrics, readiness }: WorkerParts): DynamicModule {
    const jobs = JobsModule.forRoot({ metrics, logger });
    return {
      module: WorkerModule,
      imports: [
        PlatformModule.forRoot({ environment, service: 'worker', logger, metrics }),
        IdentityModule.forRoot({ ...identityOptions(environment), routes: false }),
        ScheduleModule.forRoot(),
        jobs,
        HealthModule.forRootAsync({
          imports: [jobs],
          inject: [RedisRoles, Database, ApiKeys, JobRunner],
          metrics: environment.operations.metrics,
          useFactory: (roles: RedisRoles, database: Database, keys: ApiKeys, runner: JobRunner) =>
            healthOptions({
              service: 'worker',
              version: versionOf(import.meta.dirname),
              environment,
              roles,
              database,
              readiness,
              metrics,
              logger,
              contributors: [keysHealth(keys), runner],
            }),
        }),
      ],
    };
  }
}
