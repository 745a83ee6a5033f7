import type { Price } from '../prices/price-table.js';
import type { CallRow, ReuseRow } from './ledger-rows.js';

/** What a process says of itself with every batch of hits, so that what a crash took can be bounded afterwards. */
export interface ProcessProgress {
  readonly processId: string;
  readonly startedAt: string;
  /** Hits up to this one may have been booked: the promise that makes a loss bounded. */
  readonly hitsReserved: number;
  /** Hits booked when the batch was made. */
  readonly hitsIssued: number;
  /** Hits in lines that are written once this batch is. */
  readonly hitsWritten: number;
  /** Hits that found no room and are lost. */
  readonly hitsDropped: number;
  /** The process ends with nothing left to write. */
  readonly cleanShutdown: boolean;
}

/** Where the prices are written down by which lines were made. */
export interface PricesUsedStore {
  /** May be repeated: a price of one version never changes. */
  writePricesUsed(prices: readonly Price[]): Promise<void>;
}

/**
 * Where lines become durable. Each method is one statement and may be repeated after a lost acknowledgement: lines carry
 * their identity, progress only grows. Rejects when it is not known that the rows are written.
 */
export interface LedgerStore {
  /** The same as `writeCalls`, for lines that calls are waiting for. */
  writeIntents(rows: readonly CallRow[]): Promise<void>;
  /** Writes calls in their present state; a settled line is never changed again. */
  writeCalls(rows: readonly CallRow[]): Promise<void>;
  /** Removes lines of calls that were never made; one that was settled stays. */
  eraseCalls(ids: readonly string[]): Promise<void>;
  writeReuse(rows: readonly ReuseRow[], progress: ProcessProgress): Promise<void>;
}
