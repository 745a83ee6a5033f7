import type { MetricsRegistry } from './metrics-registry.js';

/** What of the ledger is only in this process. */
export interface LedgerBacklog {
  readonly unwrittenCalls: number;
  readonly bufferedHits: number;
}

/** What the ledger tells, as metrics; has the shape of llm-cache's `LedgerObserver`. */
export class LedgerInstruments {
  readonly #metrics: MetricsRegistry;
  readonly #intents;
  readonly #intentSeconds;
  readonly #written;
  readonly #rejected;
  readonly #lost;

  constructor(metrics: MetricsRegistry) {
    this.#metrics = metrics;
    this.#intents = metrics.counter('ledger_intents_total', 'Upstream calls entered before they were made', ['how']);
    this.#intentSeconds = metrics.histogram('ledger_intent_seconds', 'Time for which entering a call held it up');
    this.#written = metrics.counter('ledger_lines_written_total', 'Lines written to PostgreSQL', ['kind']);
    this.#rejected = metrics.counter(
      'ledger_lines_rejected_total',
      'Lines that PostgreSQL refused for what is in them',
      ['kind'],
    );
    this.#lost = metrics.counter(
      'ledger_hits_lost_total',
      'Hits whose savings are missing because there was no room for them',
    );
  }

  /** Shows what waits to be written, as it is when the metrics are read. */
  watch(backlog: () => LedgerBacklog): void {
    this.#metrics.gauge(
      'ledger_spooled_calls',
      'Lines of calls that PostgreSQL has not taken yet',
      [],
      () => backlog().unwrittenCalls,
    );
    this.#metrics.gauge(
      'ledger_buffered_hits',
      'Hits that PostgreSQL has not taken yet',
      [],
      () => backlog().bufferedHits,
    );
  }

  intentBegun(milliseconds: number, how: string): void {
    this.#intents.inc({ how });
    this.#intentSeconds.observe(milliseconds / 1000);
  }

  linesWritten(kind: string, lines: number): void {
    this.#written.inc({ kind }, lines);
  }

  hitsDropped(hits: number): void {
    this.#lost.inc(hits);
  }

  lineRejected(kind: string): void {
    this.#rejected.inc({ kind });
  }
}
