/** One answer for everybody who asks within a short time, and one asking at a time. */
export class Freshly<T> {
  readonly #forMs: number;
  readonly #ask: () => Promise<T>;
  readonly #now: () => number;
  #asking: Promise<T> | undefined;
  #answeredAt = -Infinity;

  constructor(forMs: number, ask: () => Promise<T>, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#forMs = forMs;
    this.#ask = ask;
  }

  get(): Promise<T> {
    const answered = this.#answeredAt !== -Infinity;
    const stale = answered && this.#now() - this.#answeredAt > this.#forMs;
    if (this.#asking === undefined || stale) {
      this.#answeredAt = -Infinity;
      this.#asking = this.#ask().finally(() => {
        this.#answeredAt = this.#now();
      });
    }
    return this.#asking;
  }
}
