import type { LimitsObserver } from '../limits-observer.js';
import { RECEIPT_KEPT_MS, type Receipt, type SharedCounters } from './shared-counters.js';

const MOST_PENDING = 1000;
const AGAIN_MS = 1000;

/** Gives back until it is known to be done, for as long as there is a receipt of it. */
export class Refunds {
  readonly #counters: SharedCounters;
  readonly #observer: LimitsObserver;
  readonly #pending = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(counters: SharedCounters, observer: LimitsObserver) {
    this.#counters = counters;
    this.#observer = observer;
  }

  /** @param unknown nobody knows whether it was taken, and it may be taken yet */
  giveBack(receipt: Receipt, unknown: boolean): void {
    if (this.#pending.size >= MOST_PENDING) {
      this.#observer.refundLost?.();
      return;
    }
    const done = this.#untilDone(receipt, unknown).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Resolves when nothing is on its way back. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  close(): void {
    this.#closing.abort();
  }

  async #untilDone(receipt: Receipt, unknown: boolean): Promise<void> {
    const untilMs = performance.now() + RECEIPT_KEPT_MS;
    // Else it could be taken after it was given back.
    if (unknown) await this.#counters.link.untilScriptsExpire();
    while (performance.now() < untilMs && !this.#closing.signal.aborted) {
      try {
        await this.#counters.giveBack(receipt);
        return;
      } catch {
        await this.#pause();
      }
    }
    this.#observer.refundLost?.();
  }

  #pause(): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, AGAIN_MS * (0.75 + Math.random() / 2)).unref();
      signal.addEventListener('abort', done);
    });
  }
}
