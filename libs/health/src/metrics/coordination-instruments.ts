import type { MetricsRegistry } from './metrics-registry.js';

/** What circuit breakers tell, as metrics; has the shape of cache-core's `BreakerObserver`. Services are configured names. */
export class BreakerInstruments {
  readonly #open;
  readonly #changes;
  readonly #refused;
  readonly #alone;

  constructor(metrics: MetricsRegistry) {
    this.#open = metrics.gauge(
      'circuit_breaker_open',
      'Whether a service is kept from calls (1; also while it is probed) or called as usual (0)',
      ['service'],
    );
    this.#changes = metrics.counter('circuit_breaker_changes_total', 'Changes of a breaker, by what it became', [
      'service',
      'status',
    ]);
    this.#refused = metrics.counter('circuit_breaker_refused_total', 'Calls that an open breaker did not let through', [
      'service',
    ]);
    this.#alone = metrics.counter(
      'circuit_breaker_unshared_total',
      'Times that a breaker had to go on without the other processes, because Redis did not answer',
      ['service'],
    );
  }

  changed(service: string, status: string): void {
    this.#open.set({ service }, status === 'closed' ? 0 : 1);
    this.#changes.inc({ service, status });
  }

  refused(service: string): void {
    this.#refused.inc({ service });
  }

  alone(service: string): void {
    this.#alone.inc({ service });
  }
}

/** What locks tell, as metrics; has the shape of cache-core's `LockObserver`. */
export class LockInstruments {
  readonly #events;

  constructor(metrics: MetricsRegistry) {
    this.#events = metrics.counter('lock_events_total', 'What became of locks, by family of the keyspace', [
      'family',
      'event',
    ]);
  }

  lock(family: string, event: string): void {
    this.#events.inc({ family, event });
  }
}

/** What invalidations by pattern tell, as metrics. */
export class OperationInstruments {
  readonly #events;

  constructor(metrics: MetricsRegistry) {
    this.#events = metrics.counter('cache_operation_events_total', 'What became of invalidations by pattern', [
      'event',
    ]);
  }

  operation(event: string): void {
    this.#events.inc({ event });
  }
}

/** What the outbox of invalidations tells, as metrics. */
export class OutboxInstruments {
  readonly #carriedOut;
  readonly #waiting;
  readonly #trouble;
  readonly #lag;

  constructor(metrics: MetricsRegistry) {
    this.#carriedOut = metrics.counter(
      'cache_outbox_carried_out_total',
      'Invalidations of committed changes, by whether their writer carried them out or a relay',
      ['by'],
    );
    this.#waiting = metrics.counter('cache_outbox_waiting_total', 'Attempts that have to wait for Redis', []);
    this.#trouble = metrics.counter(
      'cache_outbox_trouble_total',
      'Rounds in which the database could not be asked',
      [],
    );
    this.#lag = metrics.gauge('cache_outbox_lag_seconds', 'How long the oldest that a relay last took had waited', []);
  }

  carriedOut(by: string, count: number, lagSeconds: number): void {
    this.#carriedOut.inc({ by }, count);
    if (by === 'relay') this.#lag.set(lagSeconds);
  }

  waiting(count: number): void {
    this.#waiting.inc(count);
  }

  trouble(): void {
    this.#trouble.inc();
  }
}
