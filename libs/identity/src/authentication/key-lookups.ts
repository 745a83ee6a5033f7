import { DatabaseUnavailableError } from '@promptsales/database';
import type { KeyFact, KeySource, Snapshot } from './key-facts.js';

/**
 * Looks up keys that this process does not know. One query at a time carries everybody who waits, and the next one leaves some
 * milliseconds later at the earliest: a flood of made-up keys costs PostgreSQL the same small, constant stream of index
 * probes, and this process a bounded queue.
 */
const MOST_PER_QUERY = 256;
const MOST_WAITING = 1024;
const PAUSE_MS = 10;

interface Waiting {
  readonly answer: Promise<KeyFact | null>;
  readonly resolve: (fact: KeyFact | null) => void;
  readonly reject: (error: unknown) => void;
}

export class KeyLookups {
  readonly #source: KeySource;
  readonly #found: (snapshot: Snapshot, asked: readonly string[]) => void;
  readonly #waiting = new Map<string, Waiting>();
  #isRunning = false;
  #queries = 0;

  /** `found` is told of each answer before those who wait for it. */
  constructor(source: KeySource, found: (snapshot: Snapshot, asked: readonly string[]) => void) {
    this.#source = source;
    this.#found = found;
  }

  /** Queries sent so far. */
  get queries(): number {
    return this.#queries;
  }

  /** What the database has of the key, as of a moment after this call; null when there is none. */
  find(digest: string): Promise<KeyFact | null> {
    const waiting = this.#waiting.get(digest);
    if (waiting !== undefined) return waiting.answer;
    if (this.#waiting.size >= MOST_WAITING) return Promise.reject(new DatabaseUnavailableError('pool_exhausted'));
    const { promise: answer, resolve, reject } = Promise.withResolvers<KeyFact | null>();
    this.#waiting.set(digest, { answer, resolve, reject });
    if (!this.#isRunning) void this.#run();
    return answer;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.size > 0) {
      const batch = new Map([...this.#waiting].slice(0, MOST_PER_QUERY));
      // Who asks for one of these from here on may have seen a later state, and must not get this snapshot.
      for (const digest of batch.keys()) this.#waiting.delete(digest);
      await this.#answer(batch);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.#isRunning = false;
  }

  async #answer(batch: ReadonlyMap<string, Waiting>): Promise<void> {
    this.#queries += 1;
    const digests = [...batch.keys()];
    let snapshot: Snapshot;
    try {
      snapshot = await this.#source.byDigest(digests);
    } catch (error) {
      for (const { reject } of batch.values()) reject(error);
      // They would only wait for the same answer, one query after the other.
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      return;
    }
    this.#found(snapshot, digests);
    const facts = new Map(snapshot.keys.map((fact) => [fact.digest, fact]));
    for (const [digest, { resolve }] of batch) resolve(facts.get(digest) ?? null);
  }
}
