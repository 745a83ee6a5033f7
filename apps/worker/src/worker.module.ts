import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import {
  healthOptions,
  identityOptions,
  keysHealth,
  ledgerHealth,
  ledgerOptions,
  mcpModule,
  PlatformModule,
  upstreamsOf,
  versionOf,
  type SharedParts,
} from '@promptsales/assembly';
import { InvalidationOutbox } from '@promptsales/cache-management';
import { Breakers, RedisRoles } from '@promptsales/cache-core';
import { ConfigurationModule, ProviderDirectory } from '@promptsales/configuration';
import { Database } from '@promptsales/database';
import { HealthModule, LedgerInstruments } from '@promptsales/health';
import { ApiKeys, IdentityModule } from '@promptsales/identity';
import { QUEUE_CONNECTIONS } from '@promptsales/jobs';
import { DurableLedger, LedgerModule, ModelInfoModule, PoliciesModule } from '@promptsales/llm-cache';
import { configurationOptions, policiesOptions } from './configuration-wiring.js';
import { GenerationModule } from './generation/generation.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { JobRunner } from './jobs/job-runner.js';

/** What the worker does, wired. */
@Module({})
export class WorkerModule {
  static forRoot({ environment, logger, metrics, readiness }: SharedParts): DynamicModule {
    const ledger = new LedgerInstruments(metrics);
    const models = ModelInfoModule.forRootAsync({
      routes: false,
      inject: [ProviderDirectory, Breakers],
      useFactory: (providers: ProviderDirectory, breakers: Breakers) => ({
        upstreams: upstreamsOf(environment, providers, breakers),
        breakers,
      }),
    });
    const jobs = JobsModule.forRoot({ metrics, logger }, environment, [
      models,
      mcpModule({ environment, logger, readiness }),
    ]);
    return {
      module: WorkerModule,
      imports: [
        PlatformModule.forRoot({ environment, service: 'worker', ownConnections: QUEUE_CONNECTIONS, logger, metrics }),
        IdentityModule.forRoot({ ...identityOptions(environment), routes: false }),
        ConfigurationModule.forRootAsync({
          routes: false,
          inject: [InvalidationOutbox],
          useFactory: (outbox: InvalidationOutbox) => configurationOptions(outbox, logger),
        }),
        LedgerModule.forRootAsync({
          inject: [ProviderDirectory],
          useFactory: (providers: ProviderDirectory) => ledgerOptions(environment, ledger, providers, logger),
        }),
        PoliciesModule.forRootAsync({ routes: false, inject: [], useFactory: () => policiesOptions(logger) }),
        GenerationModule.forRoot({ environment, metrics, logger }),
        ScheduleModule.forRoot(),
        jobs,
        HealthModule.forRootAsync({
          imports: [jobs],
          inject: [RedisRoles, Database, ApiKeys, JobRunner, DurableLedger],
          metrics: environment.operations.metrics,
          useFactory: (
            roles: RedisRoles,
            database: Database,
            keys: ApiKeys,
            runner: JobRunner,
            lines: DurableLedger,
          ) => {
            ledger.watch(() => lines.state);
            return healthOptions({
              service: 'worker',
              version: versionOf(import.meta.dirname),
              environment,
              roles,
              database,
              readiness,
              metrics,
              logger,
              contributors: [keysHealth(keys), runner, ledgerHealth(lines)],
            });
          },
        }),
      ],
    };
  }
}
