import type { DatabaseGate } from './database-gate.js';
import type { LedgerObserver, LineKind } from './ledger-observer.js';

/**
 * Writes a batch as one statement. When PostgreSQL refuses it for a value in it (SQLSTATE classes 22 and 23), the batch is
 * halved until the line at fault stands alone; that one is given up and reported, the rest is written. Any other failure
 * means that it is not known what was written: it is thrown, and the caller keeps its lines.
 */
export class BatchWriter<Row> {
  readonly #kind: LineKind;
  readonly #write: (rows: readonly Row[]) => Promise<void>;
  readonly #gate: DatabaseGate;
  readonly #observer: LedgerObserver;

  constructor(
    kind: LineKind,
    write: (rows: readonly Row[]) => Promise<void>,
    gate: DatabaseGate,
    observer: LedgerObserver,
  ) {
    this.#kind = kind;
    this.#write = write;
    this.#gate = gate;
    this.#observer = observer;
  }

  /** @param gaveUp told of each line that was given up, also where the writing of others fails afterwards */
  async write(rows: readonly Row[], gaveUp: (row: Row) => void = () => undefined): Promise<void> {
    const began = performance.now();
    try {
      await this.#write(rows);
    } catch (error) {
      if (!isRefusedValue(error)) throw error;
      return this.#writeHalves(rows, gaveUp, error);
    }
    this.#gate.answered();
    this.#observer.linesWritten?.(this.#kind, rows.length, performance.now() - began);
  }

  async #writeHalves(rows: readonly Row[], gaveUp: (row: Row) => void, refusal: unknown): Promise<void> {
    const [first] = rows;
    if (first === undefined) throw refusal;
    if (rows.length === 1) {
      this.#gate.answered();
      this.#observer.lineRejected?.(this.#kind, refusal);
      return gaveUp(first);
    }
    const middle = Math.ceil(rows.length / 2);
    await this.write(rows.slice(0, middle), gaveUp);
    await this.write(rows.slice(middle), gaveUp);
  }
}

function isRefusedValue(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^2[23][0-9A-Z]{3}$/.test(cause.code)) return true;
  }
  return false;
}
