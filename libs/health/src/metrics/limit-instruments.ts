import type { MetricsRegistry } from './metrics-registry.js';

/** What limits tell, as metrics; has the shape of the limiter's `LimitsObserver`. The names of limits are a few words. */
export class LimitInstruments {
  readonly #exceeded;
  readonly #alone;
  readonly #lost;

  constructor(metrics: MetricsRegistry) {
    this.#exceeded = metrics.counter('rate_limit_exceeded_total', 'Requests that a limit has denied', ['limit']);
    this.#alone = metrics.counter(
      'rate_limit_unshared_total',
      'Requests that this process decided on alone, or refused, because Redis did not answer',
      ['limit', 'how'],
    );
    this.#lost = metrics.counter(
      'rate_limit_refunds_lost_total',
      'Times that what a denied request had taken could not be given back; it counts until its windows end',
    );
  }

  exceeded(limit: string): void {
    this.#exceeded.inc({ limit });
  }

  alone(limit: string, how: string): void {
    this.#alone.inc({ limit, how });
  }

  refundLost(): void {
    this.#lost.inc();
  }
}
