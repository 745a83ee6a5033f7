/**
 * Digests of keys that are known not to be valid, so that presenting one again costs nothing. Two generations bound it: when
 * the young one is full, or old, it becomes the old one and what was there is forgotten. No timers, no lists.
 */
export class UnknownKeys {
  readonly #perGeneration: number;
  readonly #lifetimeMs: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #youngSince = 0;

  constructor(most: number, lifetimeMs: number) {
    this.#perGeneration = Math.ceil(most / 2);
    this.#lifetimeMs = lifetimeMs;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  has(digest: string, now: number): boolean {
    this.#turn(now);
    return this.#young.has(digest) || this.#old.has(digest);
  }

  add(digest: string, now: number): void {
    this.#turn(now);
    this.#young.add(digest);
  }

  delete(digest: string): void {
    this.#young.delete(digest);
    this.#old.delete(digest);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #turn(now: number): void {
    const age = now - this.#youngSince;
    if (this.#young.size < this.#perGeneration && age < this.#lifetimeMs / 2) return;
    // After a long silence even the young ones are too old.
    this.#old = age < this.#lifetimeMs ? this.#young : new Set();
    this.#young = new Set();
    this.#youngSince = now;
  }
}
