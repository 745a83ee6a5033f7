import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import {
  healthOptions,
  identityOptions,
  keysHealth,
  PlatformModule,
  versionOf,
  type SharedParts,
} from '@promptsales/assembly';
import { RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { HealthModule } from '@promptsales/health';
import { ApiKeys, IdentityModule } from '@promptsales/identity';
import { JobsModule } from './jobs/jobs.module.js';
import { JobRunner } from './jobs/job-runner.js';

/** What the worker does, wired. */
@Module({})
export class WorkerModule {
  static forRoot({ environment, logger, metrics, readiness }: SharedParts): DynamicModule {
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
