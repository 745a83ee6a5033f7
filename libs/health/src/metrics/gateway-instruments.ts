import type { MetricsRegistry } from './metrics-registry.js';

/** Seconds of the server's own time; the aim for a hit is 2 ms. */
const HIT_BUCKETS = [0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.5];
const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** What the gateway to language models tells, as metrics; has the shape of llm-cache's `LlmCacheObserver`. */
export class GatewayInstruments {
  readonly #answers;
  readonly #hitSeconds;
  readonly #calls;
  readonly #callSeconds;
  readonly #kept;
  readonly #attached;
  readonly #failures;

  constructor(metrics: MetricsRegistry) {
    this.#answers = metrics.countTally('llm_answers_total', 'Answers, by where they came from and in which form', [
      'outcome',
      'form',
    ]);
    this.#hitSeconds = metrics.timeTally(
      'llm_hit_server_seconds',
      "The server's own time for a hit, until its headers leave",
      ['form'],
      HIT_BUCKETS,
    );
    this.#calls = metrics.counter('llm_upstream_calls_total', 'Calls made to a provider, by how they ended', [
      'outcome',
    ]);
    this.#callSeconds = metrics.histogram(
      'llm_upstream_call_seconds',
      'Time of a whole upstream call',
      ['outcome'],
      CALL_BUCKETS,
    );
    this.#kept = metrics.counter('llm_answers_kept_total', 'Whole answers, by whether they were stored or why not', [
      'result',
    ]);
    this.#attached = metrics.counter('llm_flights_attached_total', 'Flights shared between processes', ['side']);
    this.#failures = metrics.counter('llm_unforeseen_failures_total', 'Requests that failed for a reason of ours');
  }

  answered(outcome: string, form: string, seconds: number): void {
    this.#answers.add(outcome, form);
    if (outcome === 'HIT') this.#hitSeconds.observe(seconds, form);
  }

  upstream(outcome: string, seconds: number): void {
    this.#calls.inc({ outcome });
    this.#callSeconds.observe({ outcome }, seconds);
  }

  kept(result: string): void {
    this.#kept.inc({ result });
  }

  attached(side: string): void {
    this.#attached.inc({ side });
  }

  failed(): void {
    this.#failures.inc();
  }
}
