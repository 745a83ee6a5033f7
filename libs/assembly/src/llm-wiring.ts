import type { DynamicModule } from '@nestjs/common';
import { Breakers, Cache, RedisRoles } from '@promptsales/cache-core';
import { ProviderDirectory } from '@promptsales/configuration';
import { Database } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import { GatewayInstruments, SemanticInstruments, type MetricsRegistry } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import {
  DurableLedger,
  LedgerResponseMakers,
  LlmCacheModule,
  OverriddenPrices,
  PolicyDirectory,
  StoredPrices,
  type CallerOf,
  type LlmCacheObserver,
} from '@promptsales/llm-cache';
import { FailureLog } from './failure-log.js';
import { priceOverridesOf } from './ledger-wiring.js';
import { upstreamsOf } from './upstreams.js';

/** Readers have left or have been cut off by then; what is still asked for nobody is given this long to be kept. */
const SHUTDOWN_MS = 1_000;

interface Instruments {
  readonly gateway: GatewayInstruments;
  readonly semantic: SemanticInstruments;
}

export interface GatewayOptions {
  readonly environment: Environment;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  readonly callerOf: CallerOf;
  /** False: for a process that asks the gateway itself. @default true */
  readonly routes?: boolean;
}

/** The LLM gateway on what `PlatformModule`, `ConfigurationModule`, `LedgerModule` and `PoliciesModule` provide. */
export function gatewayModule({
  environment,
  metrics,
  logger,
  callerOf,
  routes = true,
}: GatewayOptions): DynamicModule {
  const instruments = { gateway: new GatewayInstruments(metrics), semantic: new SemanticInstruments(metrics) };
  const { upstream, api } = environment;
  return LlmCacheModule.forRootAsync({
    routes,
    inject: [Cache, RedisRoles, DurableLedger, Database, Breakers, ProviderDirectory, PolicyDirectory, StoredPrices],
    useFactory: (
      cache: Cache,
      roles: RedisRoles,
      ledger: DurableLedger,
      database: Database,
      breakers: Breakers,
      providers: ProviderDirectory,
      policies: PolicyDirectory,
      listPrices: StoredPrices,
    ) => ({
      cache,
      roles,
      ledger,
      callerOf,
      upstreams: upstreamsOf(environment, providers, breakers),
      policies,
      makers: new LedgerResponseMakers(database, '/v1/responses', () => ledger.flush()),
      prices: new OverriddenPrices(listPrices, priceOverridesOf(providers)),
      breakers,
      upstream: { timeoutMs: upstream.timeoutMs, idleTimeoutMs: upstream.idleTimeoutMs },
      observer: observerOf(instruments, new FailureLog(logger, 'the gateway met a failure')),
      bodyLimitBytes: api.maxBodyBytes,
      shutdownMs: SHUTDOWN_MS,
    }),
  });
}

/** An object literal: observers are spread by those who add to them, which a class's methods do not survive. */
function observerOf({ gateway, semantic }: Instruments, failures: FailureLog): LlmCacheObserver {
  return {
    answered: (outcome, form, seconds) => gateway.answered(outcome, form, seconds),
    upstream: (outcome, seconds) => gateway.upstream(outcome, seconds),
    kept: (result) => gateway.kept(result),
    attached: (side) => gateway.attached(side),
    semantic: (outcome) => semantic.semantic(outcome),
    sought: (seconds) => semantic.sought(seconds),
    learnt: () => semantic.learnt(),
    compared: (right, why) => semantic.compared(right, why),
    reported: (right) => semantic.reported(right),
    closed: (partitions) => semantic.closed(partitions),
    unlearnt: () => semantic.unlearnt(),
    embedderFailed: (code) => semantic.embedderFailed(code),
    failed: (error) => {
      gateway.failed();
      failures.failed(error);
    },
  };
}
