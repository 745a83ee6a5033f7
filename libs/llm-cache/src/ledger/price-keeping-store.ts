import type { UsedPrices } from '../prices/used-prices.js';
import type { CallRow, ReuseRow } from './ledger-rows.js';
import type { LedgerStore, PricesUsedStore, ProcessProgress } from './ledger-store.js';

/** Writes prices down before the first line that was made by them: every line that is written can be computed again. */
export class PriceKeepingStore implements LedgerStore {
  readonly #store: LedgerStore & PricesUsedStore;
  readonly #used: UsedPrices;

  constructor(store: LedgerStore & PricesUsedStore, used: UsedPrices) {
    this.#store = store;
    this.#used = used;
  }

  writeIntents(rows: readonly CallRow[]): Promise<void> {
    return this.#store.writeIntents(rows);
  }

  async writeCalls(rows: readonly CallRow[]): Promise<void> {
    await this.#used.written((prices) => this.#store.writePricesUsed(prices));
    await this.#store.writeCalls(rows);
  }

  eraseCalls(ids: readonly string[]): Promise<void> {
    return this.#store.eraseCalls(ids);
  }

  async writeReuse(rows: readonly ReuseRow[], progress: ProcessProgress): Promise<void> {
    await this.#used.written((prices) => this.#store.writePricesUsed(prices));
    await this.#store.writeReuse(rows, progress);
  }
}
