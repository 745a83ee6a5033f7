import { Inject, Injectable, type BeforeApplicationShutdown, type Provider } from '@nestjs/common';
import { Cache, InvalidationOperations, RedisRoles, RedisUnavailableError } from '@promptsales/cache-core';
import { OperationInstruments, type MetricsRegistry } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';

/** Hands over what is going on, before Redis is closed. */
@Injectable()
class OperationsEnd implements BeforeApplicationShutdown {
  constructor(@Inject(InvalidationOperations) private readonly operations: InvalidationOperations) {}

  beforeApplicationShutdown(): Promise<void> {
    return this.operations.close();
  }
}

/** Invalidations by pattern. Every process looks after those whose owner is gone. */
export function cacheOperations(metrics: MetricsRegistry, logger: Logger): Provider[] {
  const instruments = new OperationInstruments(metrics);
  return [
    {
      provide: InvalidationOperations,
      inject: [Cache, RedisRoles],
      useFactory: (cache: Cache, roles: RedisRoles) =>
        new InvalidationOperations(
          cache,
          roles,
          {},
          {
            operation: (event) => instruments.operation(event),
            operationTrouble: (error) => {
              instruments.operation('trouble');
              // That Redis is away is said once, by its links; the operation goes on when it is back.
              if (error instanceof RedisUnavailableError) return;
              logger.warn({ err: error }, 'an invalidation by pattern met with trouble');
            },
          },
        ).lookAfterOthers(),
    },
    OperationsEnd,
  ];
}
