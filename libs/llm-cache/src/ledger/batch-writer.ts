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

  /** Resolves to the lines that were given up. */
  async write(rows: readonly Row[]): Promise<readonly Row[]> {
    const began = performance.now();
    try {
      await this.#write(rows);
    } catch (error) {
      if (!isRefusedValue(error)) throw error;
      return this.#writeHalves(rows, error);
    }
    this.#gate.answered();
    this.#observer.linesWritten?.(this.#kind, rows.length, performance.now() - began);
    return [];
  }

  async #writeHalves(rows: readonly Row[], refusal: unknown): Promise<readonly Row[]> {
    if (rows.length <= 1) {
      this.#gate.answered();
      this.#observer.lineRejected?.(this.#kind, refusal);
      return rows;
    }
    const middle = Math.ceil(rows.length / 2);
    return [...(await this.write(rows.slice(0, middle))), ...(await this.write(rows.slice(middle)))];
  }
}

function isRefusedValue(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^2[23][0-9A-Z]{3}$/.test(cause.code)) return true;
  }
  return false;
}
