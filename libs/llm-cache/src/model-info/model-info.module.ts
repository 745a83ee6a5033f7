import {
  Injectable,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Cache, CacheAside, type Breakers } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import type { UpstreamDirectory } from '../gateway/directories.js';
import { GuardedUpstream } from '../upstream/guarded-upstream.js';
import { UpstreamClient } from '../upstream/upstream-client.js';
import { MODEL_INFO_CALLER_OF, ModelInfoController, type ModelInfoCallerOf } from './model-info.controller.js';
import { ModelInfos } from './model-infos.js';
import { ModelProber } from './model-prober.js';
import { ModelsInUse } from './models-in-use.js';

export interface ModelInfoOptions {
  readonly upstreams: UpstreamDirectory;
  /** A provider that fails is not probed either. */
  readonly breakers: Breakers;
  /** Whose request it is; without it there are no routes. */
  readonly callerOf?: ModelInfoCallerOf;
}

export interface ModelInfoAsyncOptions {
  /** @default true */
  readonly routes?: boolean;
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): ModelInfoOptions;
}

const OPTIONS = Symbol('ModelInfoOptions');
const PROBE_MS = 10_000;

@Injectable()
class ProbeClient extends UpstreamClient implements OnApplicationShutdown {
  constructor() {
    super({ timeoutMs: PROBE_MS, idleTimeoutMs: PROBE_MS, connections: 8 });
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

/**
 * Whether models can be had: `GET /v1/models/info` and `/v1/models/info/{provider}/{model}`. Needs `Cache`, `CacheAside` and
 * `Database` (with `ledgerMigrations`) as global providers. `ModelInfos.refresh` is for a process that asks in time.
 */
@Module({})
export class ModelInfoModule {
  static forRootAsync(options: ModelInfoAsyncOptions): DynamicModule {
    return {
      module: ModelInfoModule,
      controllers: options.routes === false ? [] : [ModelInfoController],
      providers: [
        ProbeClient,
        { provide: OPTIONS, inject: options.inject, useFactory: (...given: unknown[]) => options.useFactory(...given) },
        {
          provide: MODEL_INFO_CALLER_OF,
          inject: [OPTIONS],
          useFactory: ({ callerOf }: ModelInfoOptions) => callerOf ?? null,
        },
        {
          provide: ModelInfos,
          inject: [OPTIONS, ProbeClient, Cache, CacheAside, Database],
          useFactory: (
            { upstreams, breakers }: ModelInfoOptions,
            client: ProbeClient,
            cache: Cache,
            aside: CacheAside,
            database: Database,
          ) => {
            const prober = new ModelProber({ upstream: new GuardedUpstream(client, breakers), upstreams });
            return new ModelInfos({ cache, aside, prober, inUse: new ModelsInUse(database) });
          },
        },
      ],
      exports: [ModelInfos],
    };
  }
}
