import type { Prices } from '../prices/price-table.js';
import { CallJournal, type CallJournalOptions } from './call-journal.js';
import { DatabaseGate } from './database-gate.js';
import { type CallFacts, type CallOutcome, type HitFacts, type Intent, Ledger } from './ledger.js';
import type { LedgerObserver } from './ledger-observer.js';
import { type CallRow, intentRow, settledRow } from './ledger-rows.js';
import type { LedgerStore } from './ledger-store.js';
import { lineId } from './line-id.js';
import { ReuseJournal, type ReuseJournalOptions } from './reuse-journal.js';

export interface DurableLedgerOptions extends CallJournalOptions, ReuseJournalOptions {
  /** The longest that a line waits while PostgreSQL answers, and the pause between probes while it does not. */
  readonly flushIntervalMs: number;
  /** How often an idle process says that it lives. */
  readonly heartbeatMs: number;
  /** How long a shutdown may take to write what is left. */
  readonly shutdownDeadlineMs: number;
}

export const DURABLE_LEDGER_DEFAULTS: DurableLedgerOptions = Object.freeze({
  beginDeadlineMs: 250,
  maxSpooledCalls: 10_000,
  retryAfterSeconds: 5,
  maxBufferedReceipts: 50_000,
  maxBufferedLines: 10_000,
  minReservedHits: 1_000,
  linesPerStatement: 256,
  flushIntervalMs: 500,
  heartbeatMs: 5_000,
  shutdownDeadlineMs: 5_000,
});

/** What of the ledger is only in this process, for health and metrics. */
export interface LedgerState {
  readonly databaseAnswers: boolean;
  readonly unwrittenCalls: number;
  readonly bufferedHits: number;
  readonly droppedHits: number;
}

/** The ledger that survives its process: two journals, one clock. */
export class DurableLedger extends Ledger {
  /** Names this run of the process in every line it writes. */
  readonly processId: string;
  readonly #options: DurableLedgerOptions;
  readonly #observer: LedgerObserver;
  readonly #prices: Prices;
  readonly #gate: DatabaseGate;
  readonly #calls: CallJournal;
  readonly #reuse: ReuseJournal;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;
  #flushAsked = false;
  #writing = false;
  #reportedAt = -Infinity;

  constructor(
    store: LedgerStore,
    prices: Prices,
    options: Partial<DurableLedgerOptions> = {},
    observer: LedgerObserver = {},
    now: () => number = Date.now,
  ) {
    super();
    this.#options = Object.freeze({ ...DURABLE_LEDGER_DEFAULTS, ...options });
    this.#observer = observer;
    this.#prices = prices;
    this.#now = now;
    this.processId = lineId(now());
    this.#gate = new DatabaseGate(observer, () => this.#calls.unwritten + this.#reuse.bufferedLines);
    const ask = (): void => this.#flushSoon();
    this.#calls = new CallJournal(store, this.#gate, this.#options, observer, ask);
    this.#reuse = new ReuseJournal(
      { id: this.processId, startedAt: new Date(now()) },
      store,
      this.#gate,
      prices,
      this.#options,
      observer,
      ask,
    );
  }

  get state(): LedgerState {
    return {
      databaseAnswers: this.#gate.answering,
      unwrittenCalls: this.#calls.unwritten,
      bufferedHits: this.#reuse.bufferedHits,
      droppedHits: this.#reuse.dropped,
    };
  }

  /** Enters this process into the register and starts writing. */
  async start(): Promise<void> {
    this.#timer ??= setInterval(() => void this.#writeDue(), this.#options.flushIntervalMs).unref();
    await this.#writeDue();
  }

  override async begin(facts: CallFacts): Promise<Intent> {
    const now = this.#now();
    const row = intentRow(this.processId, lineId(now), facts, new Date(now));
    await this.#calls.begin(row);
    let open = true;
    return {
      id: row.id,
      settle: (outcome: CallOutcome): void => {
        if (!open) return;
        open = false;
        this.#settle(row, outcome);
      },
      withdraw: (): void => {
        if (!open) return;
        open = false;
        this.#calls.withdraw(row);
      },
    };
  }

  override reused(hit: HitFacts): void {
    this.#reuse.add(hit, this.#now());
  }

  /**
   * Writes every line that this process holds now, so that a query that follows sees them.
   *
   * @throws the database's error when they could not be written; they are kept.
   */
  async flush(): Promise<void> {
    const now = this.#now();
    const results = await Promise.allSettled([this.#calls.flush(), this.#reuse.flush()]);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.#gate.silent(result.reason);
      throw result.reason;
    }
    this.#reportedAt = now;
  }

  /** Writes what is left, for as long as the shutdown may take, and says that this process ended with nothing unwritten. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const deadline = performance.now() + this.#options.shutdownDeadlineMs;
    for (;;) {
      try {
        await before(deadline, this.flush());
        await before(deadline, this.#reuse.end());
        // Calls that ended while the others were written.
        while (this.#calls.unflushed > 0) await before(deadline, this.#calls.flush());
        return;
      } catch (error) {
        this.#gate.silent(error);
        if (performance.now() >= deadline) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #settle(intent: CallRow, outcome: CallOutcome): void {
    try {
      this.#calls.settle(settledRow(intent, outcome, new Date(this.#now()), this.#prices));
    } catch (error) {
      // The line stays an open intent, and so becomes unknown: never zero.
      this.#observer.lineRejected?.('call', error);
    }
  }

  /** Asked by a journal that has a full batch. While PostgreSQL is silent only the clock writes. */
  #flushSoon(): void {
    if (this.#flushAsked || !this.#gate.answering) return;
    this.#flushAsked = true;
    setImmediate(() => {
      this.#flushAsked = false;
      // A few lines cost PostgreSQL nearly what a full statement does: they go with the next one, or by the clock.
      void this.#writeDue(this.#options.linesPerStatement);
    });
  }

  async #writeDue(leastLines = 1): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    const now = this.#now();
    const report =
      this.#reuse.bufferedLines > 0 || !this.#gate.answering || now - this.#reportedAt >= this.#options.heartbeatMs;
    const results = await Promise.allSettled([this.#calls.flush(), report ? this.#reuse.flush(leastLines) : null]);
    if (report && results[1].status === 'fulfilled') this.#reportedAt = now;
    for (const result of results) if (result.status === 'rejected') this.#gate.silent(result.reason);
    this.#writing = false;
  }
}

async function before<T>(deadline: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('the shutdown deadline has passed')),
      Math.max(0, deadline - performance.now()),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
