import { Module, type DynamicModule } from '@nestjs/common';
import { Database } from '@promptsales/database';
import { ModelInfos } from '@promptsales/llm-cache';
import type { Environment } from '@promptsales/environment';
import { McpServerDirectory, McpStatuses } from '@promptsales/mcp-cache';
import { FleetLock } from './fleet-lock.js';
import type { Job } from './job.js';
import { sweepJobs } from './generation-jobs.js';
import { reconcileLedger } from './ledger-jobs.js';
import { probeMcpServers } from './mcp-jobs.js';
import { probeModels } from './model-jobs.js';
import { JOB_MEASURES, JobRunner, JOBS, type JobMeasures } from './job-runner.js';

/** The worker's jobs and what runs them. */
@Module({})
export class JobsModule {
  /** @param imports give what jobs need beside the database: `ModelInfos`, `McpServerDirectory`, `McpStatuses` */
  static forRoot(
    measures: JobMeasures,
    { jobs }: Pick<Environment, 'jobs'>,
    imports: readonly DynamicModule[],
  ): DynamicModule {
    return {
      module: JobsModule,
      imports: [...imports],
      providers: [
        { provide: FleetLock, inject: [Database], useFactory: (database: Database) => new FleetLock(database) },
        { provide: JOB_MEASURES, useValue: measures },
        {
          provide: JOBS,
          inject: [Database, ModelInfos, McpServerDirectory, McpStatuses],
          useFactory: (
            database: Database,
            models: ModelInfos,
            servers: McpServerDirectory,
            statuses: McpStatuses,
          ): readonly Job[] => [
            reconcileLedger(database),
            probeModels(models),
            sweepJobs(database, jobs),
            probeMcpServers(servers, statuses),
          ],
        },
        JobRunner,
      ],
      exports: [JobRunner],
    };
  }
}
