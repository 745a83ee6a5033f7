import { Inject, Injectable, type BeforeApplicationShutdown, type Provider } from '@nestjs/common';
import { FencingNumbers } from '@promptsales/cache-management';
import { Breakers, Locks, type CacheSettings, type RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import {
  BreakerInstruments,
  LockInstruments,
  type Condition,
  type HealthContributor,
  type MetricsRegistry,
} from '@promptsales/health';

/** Ends what would go on looking at Redis, before Redis is closed. */
@Injectable()
class CoordinationEnd implements BeforeApplicationShutdown {
  constructor(
    @Inject(Locks) private readonly locks: Locks,
    @Inject(Breakers) private readonly breakers: Breakers,
  ) {}

  beforeApplicationShutdown(): void {
    this.locks.close();
    this.breakers.close();
  }
}

/** By what processes come to an arrangement: locks with fencing numbers from PostgreSQL, and circuit breakers. */
export function coordination(
  roles: RedisRoles,
  { keyPrefix = '', ttls = {} }: Partial<CacheSettings>,
  metrics: MetricsRegistry,
): Provider[] {
  const settings = { keyPrefix, ttls };
  return [
    { provide: Breakers, useValue: new Breakers(roles, settings, new BreakerInstruments(metrics)) },
    { provide: FencingNumbers, inject: [Database], useFactory: (database: Database) => new FencingNumbers(database) },
    {
      provide: Locks,
      inject: [FencingNumbers],
      useFactory: (fencing: FencingNumbers) => new Locks(roles, { ...settings, fencing }, new LockInstruments(metrics)),
    },
    CoordinationEnd,
  ];
}

/** Services that are kept from calls: what needs them is refused, the rest goes on. */
export function breakersHealth(breakers: Breakers): HealthContributor {
  return {
    name: 'circuit_breakers',
    condition: (): Condition => {
      const notClosed = breakers.notClosed();
      return {
        status: notClosed.length === 0 ? 'up' : 'degraded',
        detail: { open: notClosed.map(({ service, status }) => ({ service, status })) },
      };
    },
  };
}
