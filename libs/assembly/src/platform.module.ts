import { Module, type DynamicModule } from '@nestjs/common';
import { FencingNumbers, InvalidationOutbox } from '@promptsales/cache-management';
import {
  Breakers,
  Cache,
  CacheCoreModule,
  InvalidationOperations,
  Keyring,
  Locks,
  PlainValues,
  RedisRoles,
} from '@promptsales/cache-core';
import { DatabaseModule } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import { CacheInstruments, type MetricsRegistry } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { Limiter } from '@promptsales/limits';
import { cacheOperations } from './cache-operations.js';
import { cacheOutbox } from './cache-outbox.js';
import { cacheSettings, keyring, ttlTable } from './cache-settings.js';
import { coordination } from './coordination.js';
import { limits } from './limits-wiring.js';
import { logLinks } from './link-log.js';
import { measureL1, measureRedis } from './metrics-wiring.js';
import { MIGRATIONS } from './migrations.js';
import { checkConnections, redisTopology } from './redis-topology.js';

export interface PlatformOptions {
  readonly environment: Environment;
  readonly service: string;
  /** Connections to Redis that the service opens beside these. @default 0 */
  readonly ownConnections?: number;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

/** What both processes stand on: Redis, the cache, locks and breakers, PostgreSQL, keys for what is stored encrypted. */
@Module({})
export class PlatformModule {
  static forRoot({ environment, service, ownConnections = 0, logger, metrics }: PlatformOptions): DynamicModule {
    const roles = new RedisRoles(redisTopology(environment));
    checkConnections(environment, roles, ownConnections);
    const keys = keyring(environment);
    const settings = cacheSettings(environment, ttlTable(environment), keys);
    const cache = new Cache(roles, settings, new CacheInstruments(metrics));
    measureRedis(metrics, roles);
    measureL1(metrics, cache);
    logLinks(roles.links(), logger);
    return {
      module: PlatformModule,
      global: true,
      imports: [
        CacheCoreModule.forRoot({ redis: roles, cache }),
        DatabaseModule.forRoot({
          url: environment.database.url.reveal(),
          migrations: MIGRATIONS,
          applicationName: `promptsales ${service}`,
          acquireTimeoutMs: environment.database.waitMs,
          probeTimeoutMs: 0.75 * environment.database.waitMs,
          log: { info: (line) => logger.info(line), warn: (line) => logger.warn(line) },
        }),
      ],
      providers: [
        { provide: Keyring, useValue: keys },
        { provide: PlainValues, useValue: new PlainValues(roles, settings) },
        ...coordination(roles, settings, metrics),
        ...limits(roles, settings, metrics),
        ...cacheOperations(metrics, logger),
        ...cacheOutbox(metrics, logger),
      ],
      exports: [
        Keyring,
        PlainValues,
        Locks,
        FencingNumbers,
        Breakers,
        Limiter,
        InvalidationOperations,
        InvalidationOutbox,
      ],
    };
  }
}
