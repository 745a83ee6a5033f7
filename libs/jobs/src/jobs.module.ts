import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { JobBell } from './bell/job-bell.js';
import { GenerationQueue } from './generation-queue.js';
import { CampaignMessagesController } from './http/campaign-messages.controller.js';
import { JobsController } from './http/jobs.controller.js';
import { QueuesController } from './http/queues.controller.js';
import { IntakeLists } from './intake/intake-lists.js';
import { JOBS_OPTIONS, type JobsOptions } from './jobs-options.js';
import { CampaignMessages } from './messages/campaign-messages.js';
import { DeadLetters } from './store/dead-letters.js';
import { JobStore } from './store/job-store.js';

const of = <T>(provide: new (database: Database) => T): FactoryProvider<T> => ({
  provide,
  inject: [Database],
  useFactory: (database: Database) => new provide(database),
});

/** The routes of jobs. Needs `RedisRoles` and `Database` (with `JOBS_MIGRATIONS`), global, and a worker that runs them. */
@Module({})
export class JobsModule {
  static forRoot(options: JobsOptions): DynamicModule {
    const { keyPrefix } = options;
    return {
      module: JobsModule,
      controllers: [JobsController, QueuesController, CampaignMessagesController],
      providers: [
        { provide: JOBS_OPTIONS, useValue: options },
        of(JobStore),
        of(DeadLetters),
        of(CampaignMessages),
        {
          provide: IntakeLists,
          inject: [RedisRoles],
          useFactory: (roles: RedisRoles) => new IntakeLists(roles, keyPrefix),
        },
        { provide: JobBell, inject: [RedisRoles], useFactory: (roles: RedisRoles) => new JobBell(roles, keyPrefix) },
        {
          provide: GenerationQueue,
          inject: [JobStore, IntakeLists, JobBell, DeadLetters],
          useFactory: (store: JobStore, lists: IntakeLists, bell: JobBell, dead: DeadLetters) =>
            new GenerationQueue({ store, lists, bell, dead }),
        },
      ],
    };
  }
}
