import { Module, type DynamicModule } from '@nestjs/common';
import {
  breakersHealth,
  gatewayModule,
  healthOptions,
  identityOptions,
  keysHealth,
  ledgerHealth,
  ledgerOptions,
  mcpModule,
  PlatformModule,
  upstreamKindOf,
  upstreamsOf,
  versionOf,
  type SharedParts,
} from '@promptsales/assembly';
import { CallCacheModule, ServiceDirectory } from '@promptsales/call-cache';
import { CacheManagementModule, InvalidationOutbox } from '@promptsales/cache-management';
import { Breakers, Keyring, RedisRoles } from '@promptsales/cache-core';
import { ConfigurationModule, ProviderDirectory } from '@promptsales/configuration';
import { ContentModule } from '@promptsales/content';
import { Database } from '@promptsales/database';
import { CallInstruments, HealthModule, LedgerInstruments, McpInstruments } from '@promptsales/health';
import { ApiKeys, AuditLog, IdentityModule } from '@promptsales/identity';
import { JobsModule } from '@promptsales/jobs';
import { Limiter } from '@promptsales/limits';
import {
  AnswerKeys,
  DurableLedger,
  Ledger,
  LedgerModule,
  ModelInfoModule,
  PoliciesModule,
  SavingsModule,
} from '@promptsales/llm-cache';
import { RecordsModule } from '@promptsales/records';
import type { FastifyRequest } from 'fastify';
import { auditing } from './access/audit.js';
import { callerOf, tenantCallerOf } from './access/caller.js';
import { callCacheOptions } from './call-cache-wiring.js';
import { identitiesOf } from './answer-keys-wiring.js';
import { configurationOptions } from './configuration-wiring.js';
import { contentOptions, searchIdentities } from './content-wiring.js';
import { mcpCallers } from './mcp-wiring.js';
import { policiesOptions } from './policies-wiring.js';
import { savingsOptions } from './savings-wiring.js';

/** Everything that the API serves, wired. */
@Module({})
export class ApiModule {
  static forRoot({ environment, logger, metrics, readiness }: SharedParts): DynamicModule {
    const ledger = new LedgerInstruments(metrics);
    const calls = new CallInstruments(metrics);
    const mcp = new McpInstruments(metrics);
    const llmCache = gatewayModule({ environment, metrics, logger, callerOf });
    return {
      module: ApiModule,
      imports: [
        PlatformModule.forRoot({ environment, service: 'api', logger, metrics }),
        IdentityModule.forRoot(identityOptions(environment)),
        ConfigurationModule.forRootAsync({
          inject: [InvalidationOutbox, AuditLog, Database],
          useFactory: (outbox: InvalidationOutbox, log: AuditLog, database: Database) =>
            configurationOptions({ outbox, log, database, logger }),
        }),
        LedgerModule.forRootAsync({
          inject: [ProviderDirectory],
          useFactory: (providers: ProviderDirectory) => ledgerOptions(environment, ledger, providers, logger),
        }),
        PoliciesModule.forRootAsync({
          inject: [AuditLog],
          useFactory: (log: AuditLog) => policiesOptions(log, logger),
        }),
        llmCache,
        SavingsModule.forRootAsync({ inject: [AuditLog], useFactory: (log: AuditLog) => savingsOptions(log) }),
        CacheManagementModule.forRootAsync({
          imports: [llmCache],
          inject: [AuditLog, Database, AnswerKeys, ServiceDirectory],
          useFactory: (log: AuditLog, database: Database, answers: AnswerKeys, services: ServiceDirectory) => ({
            callerOf: tenantCallerOf,
            bodyTextOf: ({ bodyText }: FastifyRequest) => bodyText,
            identities: new Map([...identitiesOf(answers, services), ...searchIdentities(environment)]),
            audit: auditing(log, database, logger),
          }),
        }),
        ModelInfoModule.forRootAsync({
          inject: [ProviderDirectory, Breakers],
          useFactory: (providers: ProviderDirectory, breakers: Breakers) => ({
            upstreams: upstreamsOf(environment, providers, breakers),
            breakers,
            callerOf: tenantCallerOf,
          }),
        }),
        ContentModule.forRootAsync({
          inject: [InvalidationOutbox, Ledger, ProviderDirectory, Breakers],
          useFactory: (outbox: InvalidationOutbox, lines: Ledger, providers: ProviderDirectory, breakers: Breakers) =>
            contentOptions({
              environment,
              outbox,
              ledger: lines,
              upstreams: upstreamsOf(environment, providers, breakers),
            }),
        }),
        RecordsModule.forRootAsync({
          inject: [InvalidationOutbox],
          useFactory: (outbox: InvalidationOutbox) => ({
            callerOf: tenantCallerOf,
            outbox,
            owner: environment.operations.recordsOwner,
          }),
        }),
        CallCacheModule.forRootAsync({
          inject: [AuditLog, Keyring, ProviderDirectory, Limiter],
          useFactory: (log: AuditLog, keyring: Keyring, providers: ProviderDirectory, limiter: Limiter) =>
            callCacheOptions(environment, { log, keyring, providers, limiter, logger, instruments: calls }),
        }),
        mcpModule({
          environment,
          logger,
          readiness,
          routes: { inject: [AuditLog], callers: (log: AuditLog) => ({ ...mcpCallers(log), observer: mcp }) },
        }),
        JobsModule.forRoot({
          callerOf: tenantCallerOf,
          keyPrefix: environment.redis.keyPrefix,
          ending: readiness.ending,
        }),
        HealthModule.forRootAsync({
          inject: [RedisRoles, Database, ApiKeys, DurableLedger, Breakers, ProviderDirectory],
          metrics: environment.operations.metrics,
          useFactory: (
            roles: RedisRoles,
            database: Database,
            keys: ApiKeys,
            lines: DurableLedger,
            breakers: Breakers,
            providers: ProviderDirectory,
          ) => {
            const upstreams = upstreamsOf(environment, providers, breakers);
            ledger.watch(() => lines.state);
            return healthOptions({
              service: 'api',
              version: versionOf(import.meta.dirname),
              environment,
              roles,
              database,
              readiness,
              metrics,
              logger,
              upstream: () => upstreamKindOf(upstreams),
              contributors: [keysHealth(keys), ledgerHealth(lines), breakersHealth(breakers)],
            });
          },
        }),
      ],
    };
  }
}
