import type { LedgerObserver } from './ledger-observer.js';

/**
 * Whether PostgreSQL answers the ledger: one statement that fails or takes too long says that it does not, one that succeeds
 * that it does. While it does not, nobody waits for it; the journals' periodic writes are the probe.
 */
export class DatabaseGate {
  #answering = true;
  readonly #observer: LedgerObserver;
  readonly #waitingLines: () => number;

  constructor(observer: LedgerObserver, waitingLines: () => number) {
    this.#observer = observer;
    this.#waitingLines = waitingLines;
  }

  get answering(): boolean {
    return this.#answering;
  }

  silent(cause: unknown): void {
    if (!this.#answering) return;
    this.#answering = false;
    this.#observer.databaseSilent?.(cause);
  }

  answered(): void {
    if (this.#answering) return;
    this.#answering = true;
    this.#observer.databaseAnswers?.(this.#waitingLines());
  }
}
