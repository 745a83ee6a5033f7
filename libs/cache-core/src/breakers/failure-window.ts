import type { BreakerSettings } from './breaker-settings.js';

const BUCKETS = 10;

interface Bucket {
  /** The number of its stretch of time. */
  stretch: number;
  successes: number;
  failures: number;
}

/** Results of the last while, counted in ten buckets; the oldest is forgotten as a whole. */
export class FailureWindow {
  readonly #settings: BreakerSettings;
  readonly #buckets: Bucket[] = Array.from({ length: BUCKETS }, () => ({ stretch: -1, successes: 0, failures: 0 }));
  #inARow = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  succeeded(nowMs: number): void {
    this.#bucket(nowMs).successes += 1;
    this.#inARow = 0;
  }

  failed(nowMs: number): void {
    this.#bucket(nowMs).failures += 1;
    this.#inARow += 1;
  }

  failures(nowMs: number): number {
    return this.#counted(nowMs).failures;
  }

  tripped(nowMs: number): boolean {
    const { minimumCalls, failureRatio, consecutiveFailures } = this.#settings;
    const { successes, failures } = this.#counted(nowMs);
    // Failures in a row count only within the window, too: two a day say nothing.
    if (Math.min(this.#inARow, failures) >= consecutiveFailures) return true;
    const calls = successes + failures;
    return calls >= minimumCalls && failures >= failureRatio * calls;
  }

  reset(): void {
    for (const bucket of this.#buckets) bucket.stretch = -1;
    this.#inARow = 0;
  }

  #bucket(nowMs: number): Bucket {
    const stretch = this.#stretch(nowMs);
    const bucket = this.#buckets[stretch % BUCKETS] as Bucket;
    if (bucket.stretch !== stretch) Object.assign(bucket, { stretch, successes: 0, failures: 0 });
    return bucket;
  }

  #counted(nowMs: number): { readonly successes: number; readonly failures: number } {
    const oldest = this.#stretch(nowMs) - BUCKETS + 1;
    let successes = 0;
    let failures = 0;
    for (const bucket of this.#buckets) {
      if (bucket.stretch < oldest) continue;
      successes += bucket.successes;
      failures += bucket.failures;
    }
    return { successes, failures };
  }

  #stretch(nowMs: number): number {
    return Math.floor(nowMs / (this.#settings.windowMs / BUCKETS));
  }
}
