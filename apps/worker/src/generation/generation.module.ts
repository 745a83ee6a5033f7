import {
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { FailureLog, gatewayModule, ttlTable } from '@promptsales/assembly';
import { DEFAULT_TENANT, Locks, RedisRoles } from '@promptsales/cache-core';
import { SystemConfigurations } from '@promptsales/configuration';
import { Database, DatabaseUnavailableError } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import { JobInstruments, type MetricsRegistry } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { ApiKeys } from '@promptsales/identity';
import { GenerationWorker } from '@promptsales/jobs';
import { GatewayService } from '@promptsales/llm-cache';
import { GatewayGenerator } from './gateway-generator.js';
import { tenantsOf } from './tenants.js';

export interface GenerationModuleOptions {
  readonly environment: Environment;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
}

/** Begins when everything is there, and ends before anything of it does. */
@Injectable()
class WorkerLife implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(@Inject(GenerationWorker) private readonly worker: GenerationWorker) {}

  onApplicationBootstrap(): void {
    this.worker.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.worker.stop();
  }
}

/** Runs generation jobs, through a gateway of this process's own. */
@Module({})
export class GenerationModule {
  static forRoot({ environment, metrics, logger }: GenerationModuleOptions): DynamicModule {
    const instruments = new JobInstruments(metrics);
    const failures = new FailureLog(logger, 'the queue of jobs met a failure');
    const { jobs, redis } = environment;
    return {
      module: GenerationModule,
      imports: [
        gatewayModule({
          environment,
          metrics,
          logger,
          routes: false,
          callerOf: () => {
            throw new Error('the gateway of the worker serves no requests');
          },
        }),
      ],
      providers: [
        {
          provide: GenerationWorker,
          inject: [RedisRoles, Database, Locks, ApiKeys, GatewayService, SystemConfigurations],
          useFactory: (
            roles: RedisRoles,
            database: Database,
            locks: Locks,
            keys: ApiKeys,
            gateway: GatewayService,
            configurations: SystemConfigurations,
          ) =>
            new GenerationWorker({
              roles,
              database,
              locks,
              generator: new GatewayGenerator(gateway, configurations),
              tenants: tenantsOf(async () => [DEFAULT_TENANT, ...(await keys.tenants())]),
              settings: {
                keyPrefix: redis.keyPrefix,
                ttls: ttlTable(environment).seconds,
                concurrency: jobs.concurrency,
                stalledAfterMs: jobs.stalledAfterMs,
                runs: { attempts: jobs.attempts, backoffMs: jobs.backoffMs },
              },
              observer: {
                moved: (made, malformed) => instruments.moved(made, malformed),
                repaired: (moves) => instruments.repaired(moves),
                ended: (result, seconds) => instruments.ended(result, seconds),
              },
              failed: (error) => {
                instruments.trouble();
                // That is said once, by itself.
                if (!(error instanceof DatabaseUnavailableError)) failures.failed(error);
              },
            }),
        },
        WorkerLife,
      ],
    };
  }
}
