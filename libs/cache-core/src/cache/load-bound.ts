import { LoadsExhaustedError } from './load-errors.js';

/**
 * How many loads of one family this process has at its origin at once. It matters most when Redis is away and every key
 * is loaded by every process: an origin that can bear the misses of a warm cache cannot bear all its reads.
 */
export interface LoadBoundSettings {
  readonly maxConcurrent: number;
  /** How many more may wait for their turn. */
  readonly maxQueued: number;
  readonly maxWaitMs: number;
}

export const DEFAULT_LOAD_BOUND: LoadBoundSettings = { maxConcurrent: 256, maxQueued: 4096, maxWaitMs: 10_000 };

export class LoadBound {
  readonly #family: string;
  readonly #settings: LoadBoundSettings;
  /** In the order in which they came. */
  readonly #queue = new Set<() => void>();
  #running = 0;

  /** @throws RangeError for a bound that nothing can pass */
  constructor(family: string, settings: LoadBoundSettings) {
    this.#family = family;
    this.#settings = settings;
    const { maxConcurrent, maxQueued, maxWaitMs } = settings;
    if (!(maxConcurrent >= 1) || !(maxQueued >= 0) || !(maxWaitMs >= 0)) {
      throw new RangeError(`${family}: maxConcurrent is at least 1, maxQueued and maxWaitMs at least 0`);
    }
  }

  get running(): number {
    return this.#running;
  }

  /** @throws LoadsExhaustedError when its turn does not come; `work` has not begun then */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#settings.maxConcurrent) await this.#turn();
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const [next] = this.#queue;
      // The place is handed over, so that nobody who comes now takes it from who has waited.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(): Promise<void> {
    const { maxQueued, maxWaitMs } = this.#settings;
    if (this.#queue.size >= maxQueued) return Promise.reject(new LoadsExhaustedError(this.#family, 'queue_full'));
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        this.#queue.delete(begin);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#queue.delete(begin);
        reject(new LoadsExhaustedError(this.#family, 'waited_too_long'));
      }, maxWaitMs);
      this.#queue.add(begin);
    });
  }
}
