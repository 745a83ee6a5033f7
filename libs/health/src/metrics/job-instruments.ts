import type { MetricsRegistry } from './metrics-registry.js';

/** What the worker of generation jobs tells, as metrics. */
export class JobInstruments {
  readonly #entries;
  readonly #repaired;
  readonly #runs;
  readonly #seconds;
  readonly #trouble;

  constructor(metrics: MetricsRegistry) {
    this.#entries = metrics.counter(
      'jobs_intake_entries_total',
      'Entries that were taken from the intake, by what they became',
      ['became'],
    );
    this.#repaired = metrics.counter(
      'jobs_intake_repaired_total',
      'Moves out of the intake that another process had begun and this one completed',
      [],
    );
    this.#runs = metrics.counter('jobs_runs_total', 'Runs of jobs, by how they ended', ['result']);
    this.#seconds = metrics.histogram(
      'jobs_run_seconds',
      'Time of runs that generated',
      ['result'],
      [0.1, 0.5, 1, 5, 15, 60, 300],
    );
    this.#trouble = metrics.counter('jobs_trouble_total', 'What went wrong with the queue itself; it goes on', []);
  }

  moved(jobs: number, malformed: number): void {
    if (jobs > 0) this.#entries.inc({ became: 'job' }, jobs);
    if (malformed > 0) this.#entries.inc({ became: 'dead_letter' }, malformed);
  }

  repaired(moves: number): void {
    this.#repaired.inc({}, moves);
  }

  ended(result: string, seconds: number): void {
    this.#runs.inc({ result });
    if (seconds > 0) this.#seconds.observe({ result }, seconds);
  }

  trouble(): void {
    this.#trouble.inc({});
  }
}
