import { BatchWriter } from './batch-writer.js';
import type { DatabaseGate } from './database-gate.js';
import { LedgerUnavailable } from './ledger-errors.js';
import type { LedgerObserver } from './ledger-observer.js';
import type { CallRow } from './ledger-rows.js';
import type { LedgerStore } from './ledger-store.js';

export interface CallJournalOptions {
  /** How long a call may be held up for its intent. */
  readonly beginDeadlineMs: number;
  /** Calls that may wait to be written; with so many, no further one begins. */
  readonly maxSpooledCalls: number;
  readonly linesPerStatement: number;
  /** What a refused client is told to wait. */
  readonly retryAfterSeconds: number;
}

interface WaitingBegin {
  readonly row: CallRow;
  readonly done: (how: 'durable' | 'spooled') => void;
}

/**
 * Makes upstream calls durable. Invariants:
 *
 * 1. A line is always somewhere: among the waiting begins, in `#unwritten`, or acknowledged by PostgreSQL in the state that
 *    this process knows. It leaves `#unwritten` only when the very row that was sent is still the newest.
 * 2. Group commit: at most one statement of intents runs; every begin that arrives meanwhile shares the next one. So a begin
 *    waits for two statements at most, however many there are.
 * 3. A begin never waits longer than its deadline, and not at all while PostgreSQL is known to be silent. Its line is then
 *    spooled: writing it twice is harmless (a line is inserted by its id; an intent never replaces a settled line).
 * 4. The spool is bounded by the begins: only `begin` adds a line, and it refuses at the bound. Settling replaces a line of
 *    this process or adds one whose begin was counted, and so does withdrawing.
 * 5. The line of a call that was never made is erased after every statement that may have carried it has been acknowledged. It
 *    outlives that only where it could not be known whether it was written (the server was silent, or this process ended before
 *    it erased it): then it becomes `unknown` like that of any call of which nobody knows.
 */
export class CallJournal {
  readonly #options: CallJournalOptions;
  readonly #gate: DatabaseGate;
  readonly #observer: LedgerObserver;
  readonly #writer: BatchWriter<CallRow>;
  readonly #intentWriter: BatchWriter<CallRow>;
  readonly #askForFlush: () => void;
  readonly #erase: (ids: readonly string[]) => Promise<void>;
  readonly #unwritten = new Map<string, CallRow>();
  /** Lines of calls that were never made, to be erased. */
  readonly #withdrawn = new Set<string>();
  #waiting: WaitingBegin[] = [];
  #committing: readonly WaitingBegin[] = [];
  /** Counts up when the running commit is given up: its loop then ends and a new one may start beside it. */
  #epoch = 0;
  #commitRuns = false;
  #drain: Promise<void> | null = null;

  constructor(
    store: LedgerStore,
    gate: DatabaseGate,
    options: CallJournalOptions,
    observer: LedgerObserver,
    askForFlush: () => void,
  ) {
    this.#askForFlush = askForFlush;
    this.#options = options;
    this.#gate = gate;
    this.#observer = observer;
    this.#writer = new BatchWriter('call', (rows) => store.writeCalls(rows), gate, observer);
    this.#erase = (ids) => store.eraseCalls(ids);
    this.#intentWriter = new BatchWriter('call', (rows) => store.writeIntents(rows), gate, observer);
  }

  /** Lines that PostgreSQL has not acknowledged in their present state. */
  get unwritten(): number {
    return this.unflushed + this.#waiting.length;
  }

  /** Of these, what `flush` writes; the rest is intents that a commit of their own writes. */
  get unflushed(): number {
    return this.#unwritten.size + this.#withdrawn.size;
  }

  /** @throws {LedgerUnavailable} when the spool is full. */
  async begin(row: CallRow): Promise<void> {
    const began = performance.now();
    if (this.unwritten >= this.#options.maxSpooledCalls) {
      this.#observer.intentBegun?.(0, 'refused');
      throw new LedgerUnavailable(this.unwritten, this.#options.retryAfterSeconds);
    }
    const how = this.#gate.answering ? await this.#durable(row) : this.#spool(row);
    this.#observer.intentBegun?.(performance.now() - began, how);
  }

  settle(row: CallRow): void {
    this.#unwritten.set(row.id, row);
    if (this.#unwritten.size >= this.#options.linesPerStatement) this.#askForFlush();
  }

  /** After its `begin`. */
  withdraw({ id }: CallRow): void {
    this.#unwritten.delete(id);
    this.#withdrawn.add(id);
  }

  /** Writes what is unwritten now. Concurrent calls share one pass and the next. */
  async flush(): Promise<void> {
    while (this.#drain !== null) await this.#drain;
    if (this.unflushed === 0) return;
    this.#drain = this.#writeAndErase().finally(() => {
      this.#drain = null;
    });
    await this.#drain;
  }

  async #writeAndErase(): Promise<void> {
    await this.#writeAll([...this.#unwritten.values()]);
    await this.#eraseAll([...this.#withdrawn]);
  }

  async #writeAll(rows: readonly CallRow[]): Promise<void> {
    for (let from = 0; from < rows.length; from += this.#options.linesPerStatement) {
      const batch = rows.slice(from, from + this.#options.linesPerStatement);
      await this.#writer.write(batch);
      for (const row of batch) if (this.#unwritten.get(row.id) === row) this.#unwritten.delete(row.id);
    }
  }

  async #eraseAll(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += this.#options.linesPerStatement) {
      const batch = ids.slice(from, from + this.#options.linesPerStatement);
      await this.#erase(batch);
      this.#gate.answered();
      for (const id of batch) this.#withdrawn.delete(id);
    }
  }

  #spool(row: CallRow): 'spooled' {
    this.#unwritten.set(row.id, row);
    return 'spooled';
  }

  #durable(row: CallRow): Promise<'durable' | 'spooled'> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        this.#giveUp(new Error(`no answer within ${this.#options.beginDeadlineMs} ms`));
      }, this.#options.beginDeadlineMs);
      this.#waiting.push({
        row,
        done: (how): void => {
          clearTimeout(deadline);
          resolve(how);
        },
      });
      if (!this.#commitRuns) void this.#commitWaiting();
    });
  }

  async #commitWaiting(): Promise<void> {
    const epoch = this.#epoch;
    this.#commitRuns = true;
    while (this.#epoch === epoch && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.linesPerStatement);
      this.#committing = batch;
      try {
        await this.#intentWriter.write(batch.map(({ row }) => row));
        for (const begin of batch) begin.done('durable');
      } catch (error) {
        if (this.#epoch === epoch) this.#giveUp(error);
      }
    }
    if (this.#epoch === epoch) this.#commitRuns = false;
  }

  /** Lets every begin go with its line in the spool: those of the running statement, of which nothing is known, too. */
  #giveUp(cause: unknown): void {
    this.#gate.silent(cause);
    this.#epoch += 1;
    this.#commitRuns = false;
    const given = [...this.#committing, ...this.#waiting];
    this.#committing = [];
    this.#waiting = [];
    for (const { row, done } of given) done(this.#spool(row));
  }
}
