/**
 * When was a key last known to change? Answers in constant memory for every key there is.
 *
 * Each change takes the next number of a sequence and leaves it in the key's bucket. Who reads from Redis notes the
 * sequence before he asks; if the key's bucket holds a later number when the answer is here, the answer may be the older
 * of the two. Keys that share a bucket suspect each other, which only costs a miss.
 */
import { hashOf } from './hash.js';

const BUCKETS = 65_536;

export class Generations {
  readonly #changedAt = new Float64Array(BUCKETS);
  #sequence = 0;
  /** Everything that is not later than this has changed. */
  #floor = 0;

  get sequence(): number {
    return this.#sequence;
  }

  changed(key: string): void {
    this.#sequence += 1;
    this.#changedAt[bucketOf(key)] = this.#sequence;
  }

  everythingChanged(): void {
    this.#sequence += 1;
    this.#floor = this.#sequence;
  }

  hasChangedSince(bucket: number, sequence: number): boolean {
    return (this.#changedAt[bucket] as number) > sequence || this.#floor > sequence;
  }
}

export function bucketOf(key: string): number {
  return hashOf(key) % BUCKETS;
}
