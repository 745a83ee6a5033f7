import { DurableLedger, type DurableLedgerOptions } from '../../src/ledger/durable-ledger.js';
import type { LedgerObserver } from '../../src/ledger/ledger-observer.js';
import { publishedPrices } from '../../src/prices/published-prices.js';
import type { ScriptedStore } from './scripted-store.js';

const prices = publishedPrices();

/** A ledger with the published prices. */
export function ledgerOn(
  store: ScriptedStore,
  options: Partial<DurableLedgerOptions> = {},
  observer: LedgerObserver = {},
): DurableLedger {
  return new DurableLedger(store, prices, options, observer);
}

/** Runs what is due now without moving the clock. */
export async function settleMicrotasks(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}
