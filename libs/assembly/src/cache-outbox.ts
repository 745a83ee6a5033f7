import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import { Cache } from '@promptsales/cache-core';
import { InvalidationOutbox, OutboxRelay, type OutboxObserver } from '@promptsales/cache-management';
import { Database, DatabaseUnavailableError } from '@promptsales/database';
import { OutboxInstruments, type MetricsRegistry } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';

@Injectable()
class RelayLife implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(@Inject(OutboxRelay) private readonly relay: OutboxRelay) {}

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.relay.stop();
  }
}

/** Invalidations that are committed with what they are about. Every process carries out what others left behind. */
export function cacheOutbox(metrics: MetricsRegistry, logger: Logger): Provider[] {
  const instruments = new OutboxInstruments(metrics);
  const observer: OutboxObserver = {
    carriedOut: (by, count, lagMs) => instruments.carriedOut(by, count, lagMs / 1000),
    waiting: (count) => instruments.waiting(count),
    trouble: (error) => {
      instruments.trouble();
      // That is said elsewhere, once.
      if (!(error instanceof DatabaseUnavailableError)) logger.error({ err: error }, 'the outbox met with trouble');
    },
  };
  return [
    {
      provide: InvalidationOutbox,
      inject: [Cache, Database],
      useFactory: (cache: Cache, database: Database) => new InvalidationOutbox(cache, database, observer),
    },
    {
      provide: OutboxRelay,
      inject: [InvalidationOutbox, Database],
      useFactory: (outbox: InvalidationOutbox, database: Database) => new OutboxRelay(outbox, database, {}, observer),
    },
    RelayLife,
  ];
}
