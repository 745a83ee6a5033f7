import type { Prices } from '../prices/price-table.js';
import { BatchWriter } from './batch-writer.js';
import type { DatabaseGate } from './database-gate.js';
import type { HitFacts } from './ledger.js';
import type { LedgerObserver } from './ledger-observer.js';
import { type BufferedHit, type ReuseRow, reuseRow } from './ledger-rows.js';
import type { LedgerStore, ProcessProgress } from './ledger-store.js';

export interface ReuseJournalOptions {
  /** Hits that may wait one by one; beyond it, hits of one answer for one caller share a line. */
  readonly maxBufferedHits: number;
  /** Shared lines that may wait; beyond it, a hit is dropped and counted. */
  readonly maxSharedLines: number;
  readonly linesPerStatement: number;
  /** The least number of hits reserved ahead, see invariant 3. */
  readonly minReservedHits: number;
}

/** So many hits at most stand in one line. */
const MOST_HITS_A_LINE = 2 ** 20;

/**
 * Keeps hits until they are written. Invariants:
 *
 * 1. `add` only numbers and appends: no copy, no price, no promise. Rows are made when the batch is.
 * 2. A hit's number is its identity together with the process, so that a batch may be sent twice and counts once. Lines leave
 *    the buffer only when PostgreSQL has acknowledged them.
 * 3. With each batch the process reserves numbers ahead: `reserved - written` bounds what its crash can take. A flush is asked
 *    for before the reservation is used up, so that it is passed only while PostgreSQL does not answer.
 * 4. Memory is bounded. A full buffer keeps the money and the tokens (hits on one answer share a line) and gives up the line
 *    per response; when that is full too, the number alone is kept.
 */
export class ReuseJournal {
  readonly #processId: string;
  readonly #startedAt: string;
  readonly #store: LedgerStore;
  readonly #options: ReuseJournalOptions;
  readonly #observer: LedgerObserver;
  readonly #prices: Prices;
  readonly #writer: BatchWriter<ReuseRow>;
  readonly #askForFlush: () => void;
  #lines: BufferedHit[] = [];
  #shared = new Map<string, BufferedHit>();
  #issued = 0;
  #written = 0;
  #dropped = 0;
  #reserved = 0;
  #issuedAtLastReport = 0;
  #pace = 0;
  #drain: Promise<void> | null = null;
  #ended = false;

  constructor(
    process: { readonly id: string; readonly startedAt: Date },
    store: LedgerStore,
    gate: DatabaseGate,
    prices: Prices,
    options: ReuseJournalOptions,
    observer: LedgerObserver,
    askForFlush: () => void,
  ) {
    this.#processId = process.id;
    this.#startedAt = process.startedAt.toISOString();
    this.#store = store;
    this.#writer = new BatchWriter('reuse', (rows) => this.#writeRows(rows), gate, observer);
    this.#prices = prices;
    this.#options = options;
    this.#observer = observer;
    this.#askForFlush = askForFlush;
  }

  get buffered(): number {
    return this.#lines.length + this.#shared.size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(hit: HitFacts, at: number): void {
    this.#issued += 1;
    if (this.#lines.length < this.#options.maxBufferedHits) {
      this.#lines.push({ sequence: this.#issued, at, hit, hits: 1 });
    } else {
      this.#share(hit, at);
    }
    if (this.#lines.length >= this.#options.linesPerStatement || this.#reserved - this.#issued < this.#margin()) {
      this.#askForFlush();
    }
  }

  /**
   * Writes what is buffered now and says that this process lives. Concurrent calls share one pass and the next.
   * @param leastLines what a statement after the first must hold; fewer lines wait for the next flush
   */
  async flush(leastLines = 1): Promise<void> {
    while (this.#drain !== null) await this.#drain;
    if (this.#ended) return;
    this.#drain = this.#writeAll(leastLines).finally(() => {
      this.#drain = null;
    });
    await this.#drain;
  }

  /** Writes the rest and says that this process ended with nothing missing; nothing is written afterwards. */
  async end(): Promise<void> {
    do await this.flush();
    while (this.buffered > 0 || this.#drain !== null);
    this.#ended = true;
    try {
      await this.#store.writeReuse([], { ...this.#progress([]), hitsReserved: this.#issued, cleanShutdown: true });
    } catch (error) {
      this.#ended = false;
      throw error;
    }
  }

  async #writeAll(leastLines: number): Promise<void> {
    let left = this.#lines.length;
    do {
      const batch = this.#lines.slice(0, Math.min(left, this.#options.linesPerStatement));
      await this.#writeBatch(batch);
      this.#lines.splice(0, batch.length);
      left -= batch.length;
    } while (left >= leastLines);
    await this.#writeShared();
  }

  /** Shared lines are taken out before they are written: a hit that comes meanwhile begins a new line. */
  async #writeShared(): Promise<void> {
    const taken = [...this.#shared];
    for (let from = 0; from < taken.length; from += this.#options.linesPerStatement) {
      const batch = taken.slice(from, from + this.#options.linesPerStatement);
      for (const [key] of batch) this.#shared.delete(key);
      try {
        await this.#writeBatch(batch.map(([, line]) => line));
      } catch (error) {
        // Back under a key that no new hit has: a line that may already be written must not change any more.
        for (const [, line] of batch) this.#shared.set(`sent ${line.sequence}`, line);
        throw error;
      }
    }
  }

  async #writeBatch(batch: readonly BufferedHit[]): Promise<void> {
    const givenUp = await this.#writer.write(batch.flatMap((line) => this.#rowOf(line)));
    this.#drop(hitsIn(givenUp));
  }

  /** A line that cannot even be made into a row would stand in the way of all that follow. */
  #rowOf(line: BufferedHit): ReuseRow[] {
    try {
      return [reuseRow(this.#processId, line, this.#prices)];
    } catch (error) {
      this.#observer.lineRejected?.('reuse', error);
      this.#drop(line.hits);
      return [];
    }
  }

  async #writeRows(rows: readonly ReuseRow[]): Promise<void> {
    const progress = this.#progress(rows);
    await this.#store.writeReuse(rows, progress);
    this.#written = progress.hitsWritten;
    this.#reserved = progress.hitsReserved;
  }

  #progress(rows: readonly ReuseRow[]): ProcessProgress {
    return {
      processId: this.#processId,
      startedAt: this.#startedAt,
      hitsReserved: this.#issued + this.#reservation(),
      hitsIssued: this.#issued,
      hitsWritten: this.#written + hitsIn(rows),
      hitsDropped: this.#dropped,
      cleanShutdown: false,
    };
  }

  /** Twice what lately came between two reports, so that a steady load never passes it. */
  #reservation(): number {
    const came = this.#issued - this.#issuedAtLastReport;
    this.#issuedAtLastReport = this.#issued;
    this.#pace = Math.max(came, Math.floor(this.#pace * 0.9));
    return Math.max(this.#options.minReservedHits, this.#pace * 2);
  }

  #margin(): number {
    return Math.floor(this.#options.minReservedHits / 2);
  }

  #share(hit: HitFacts, at: number): void {
    const key = sharedKey(hit, at);
    const line = this.#shared.get(key);
    if (line !== undefined && line.hits < MOST_HITS_A_LINE) {
      line.hits += 1;
    } else if (line === undefined && this.#shared.size < this.#options.maxSharedLines) {
      this.#shared.set(key, { sequence: this.#issued, at, hit: { ...hit, requestId: null }, hits: 1 });
    } else {
      this.#drop(1);
    }
  }

  #drop(hits: number): void {
    if (hits === 0) return;
    this.#dropped += hits;
    this.#observer.hitsDropped?.(hits);
  }
}

function hitsIn(rows: readonly ReuseRow[]): number {
  return rows.reduce((hits, row) => hits + row.hits, 0);
}

const DAY_MS = 86_400_000;

/** Hits that are alike in everything that a report groups or sums by. */
function sharedKey(hit: HitFacts, at: number): string {
  return JSON.stringify([
    Math.floor(at / DAY_MS),
    hit.kind,
    hit.identity,
    hit.responseId,
    hit.tenant,
    hit.keyId,
    hit.client,
    hit.userId,
    hit.clienteId,
    hit.campanaId,
    hit.segmento,
    hit.route,
    hit.provider,
    hit.simulated,
    hit.model,
    hit.answeredModel,
    hit.serviceTier,
    hit.usage,
  ]);
}
