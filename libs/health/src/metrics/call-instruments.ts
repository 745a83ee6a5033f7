import type { MetricsRegistry } from './metrics-registry.js';
import type { CountTally } from './tally.js';

/** Seconds until a service answers: a round trip to a neighbour, up to the deadline. */
const CALL_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600];

/** What the proxy in front of services tells, as metrics; has the shape of a part of call-cache's `CallCacheObserver`. */
export class CallInstruments {
  readonly #answers: CountTally;
  readonly #refused;
  readonly #seconds;

  constructor(metrics: MetricsRegistry) {
    this.#answers = metrics.countTally(
      'proxy_answers_total',
      'Answers of the proxy, by where they came from (x-cache)',
      ['outcome'],
    );
    this.#refused = metrics.counter(
      'proxy_refused_total',
      'Requests to the proxy that got a problem instead of an answer, by its code',
      ['why'],
    );
    this.#seconds = metrics.histogram(
      'proxy_upstream_seconds',
      'Time until the header of a service’s answer, by the class of its status',
      ['result'],
      CALL_BUCKETS,
    );
  }

  answered(outcome: string): void {
    this.#answers.add(outcome.toLowerCase());
  }

  refused(why: string): void {
    this.#refused.inc({ why });
  }

  called(result: string, seconds: number): void {
    this.#seconds.observe({ result }, seconds);
  }
}
