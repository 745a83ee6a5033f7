import type { MetricsRegistry } from './metrics-registry.js';

/** Seconds: a decision takes a round trip or two, an embeddings endpoint tens of milliseconds, the deadline 1.5 s. */
const SEEK_BUCKETS = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2];

/** What the semantic tier tells, as metrics; has the shape of llm-cache's `SemanticObserver`. */
export class SemanticInstruments {
  readonly #outcomes;
  readonly #seconds;
  readonly #learnt;
  readonly #compared;
  readonly #reported;
  readonly #closed;
  readonly #unlearnt;
  readonly #embedder;

  constructor(metrics: MetricsRegistry) {
    this.#outcomes = metrics.counter(
      'llm_semantic_requests_total',
      'Requests that came to the semantic tier, by what became of them there',
      ['outcome'],
    );
    this.#seconds = metrics.histogram(
      'llm_semantic_seek_seconds',
      'Time until the semantic tier had decided',
      [],
      SEEK_BUCKETS,
    );
    this.#learnt = metrics.counter('llm_semantic_learnt_total', 'Answers that may serve other wordings from now on');
    this.#compared = metrics.counter(
      'llm_semantic_comparisons_total',
      'Stored answers that were compared with the provider’s: audits could have been served, explorations not',
      ['why', 'result'],
    );
    this.#reported = metrics.counter('llm_semantic_reports_total', 'Judgements of readers on what they were served', [
      'result',
    ]);
    this.#closed = metrics.gauge(
      'llm_semantic_partitions_closed',
      'Partitions in which nothing is served, because too much was wrong there',
    );
    this.#unlearnt = metrics.counter(
      'llm_semantic_unlearnt_total',
      'What was learnt and could not be kept, because Redis was away',
    );
    this.#embedder = metrics.counter('llm_semantic_embedder_failures_total', 'Calls of embedders that failed', [
      'code',
    ]);
  }

  semantic(outcome: string): void {
    this.#outcomes.inc({ outcome });
  }

  sought(seconds: number): void {
    this.#seconds.observe(seconds);
  }

  learnt(): void {
    this.#learnt.inc();
  }

  compared(right: boolean, why: string): void {
    this.#compared.inc({ why, result: resultOf(right) });
  }

  reported(right: boolean): void {
    this.#reported.inc({ result: resultOf(right) });
  }

  closed(partitions: number): void {
    this.#closed.set(partitions);
  }

  unlearnt(): void {
    this.#unlearnt.inc();
  }

  embedderFailed(code: string): void {
    this.#embedder.inc({ code });
  }
}

function resultOf(right: boolean): string {
  return right ? 'right' : 'wrong';
}
