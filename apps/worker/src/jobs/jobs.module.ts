import { Module, type DynamicModule } from '@nestjs/common';
import { Database } from '@promptsales/database';
import { FleetLock } from './fleet-lock.js';
import type { Job } from './job.js';
import { reconcileLedger } from './ledger-jobs.js';
import { JOB_MEASURES, JobRunner, JOBS, type JobMeasures } from './job-runner.js';

/** The worker's jobs and what runs them. */
@Module({})
export class JobsModule {
  static forRoot(measures: JobMeasures): DynamicModule {
    return {
      module: JobsModule,
      providers: [
        { provide: FleetLock, inject: [Database], useFactory: (database: Database) => new FleetLock(database) },
        { provide: JOB_MEASURES, useValue: measures },
        {
          provide: JOBS,
          inject: [Database],
          useFactory: (database: Database): readonly Job[] => [reconcileLedger(database)],
        },
        JobRunner,
      ],
      exports: [JobRunner],
    };
  }
}
