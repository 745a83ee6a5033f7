import type { Prices } from '../prices/price-table.js';
import { BatchWriter } from './batch-writer.js';
import type { DatabaseGate } from './database-gate.js';
import type { HitFacts } from './ledger.js';
import type { LedgerObserver } from './ledger-observer.js';
import { type BufferedHits, type ReuseRow, reuseRow } from './ledger-rows.js';
import type { LedgerStore, ProcessProgress } from './ledger-store.js';

export interface ReuseJournalOptions {
  /** Hits that may wait with a receipt of their own; beyond it only their number is kept. */
  readonly maxBufferedReceipts: number;
  /** Lines that may wait; beyond it, a hit that has no line yet is dropped and counted. */
  readonly maxBufferedLines: number;
  readonly linesPerStatement: number;
  /** The least number of hits reserved ahead, see invariant 3. */
  readonly minReservedHits: number;
}

/** A line that was sent, and how many receipts it holds. */
interface SentLine {
  readonly row: ReuseRow;
  readonly receipts: number;
}

/** So many hits at most stand in one line. */
const MOST_HITS_A_LINE = 2 ** 20;

/**
 * Keeps hits until they are written. Invariants:
 *
 * 1. Hits of one answer for one caller share a line, in which each has its receipt: `add` numbers the hit and finds its line.
 *    No price, no promise; a line is made into a row when it is sent first.
 * 2. A line is known by the number of its first hit together with the process, so that a batch may be sent twice and counts
 *    once. What has been sent once does not change any more; each line leaves when PostgreSQL has acknowledged it, or refused
 *    it, and is counted then: of a batch of which a part failed, only that part is sent again.
 * 3. With each batch the process reserves numbers ahead: `reserved - written` bounds what its crash can take. A flush is asked
 *    for before the reservation is used up, so that it is passed only while PostgreSQL does not answer.
 * 4. Memory is bounded. Without room for receipts the lines keep the money and the tokens; without room for a line the number
 *    alone is kept.
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
  /** Still taking hits, in the order of their first ones. */
  readonly #open = new Map<string, BufferedHits>();
  /** Sent, and not known to be written. */
  #sent: readonly SentLine[] = [];
  #receipts = 0;
  #issued = 0;
  #written = 0;
  #dropped = 0;
  #reserved = 0;
  #issuedAtLastReport = 0;
  #reservation = 0;
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

  get bufferedLines(): number {
    return this.#open.size + this.#sent.length;
  }

  get bufferedHits(): number {
    return this.#issued - this.#written - this.#dropped;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(hit: HitFacts, at: number): void {
    this.#issued += 1;
    const line = this.#lineFor(hit, at);
    if (line === null) {
      this.#drop(1);
    } else {
      line.hits += 1;
      this.#keepReceipt(line, hit, at);
    }
    if (this.#open.size >= this.#options.linesPerStatement || this.#runsShort) this.#askForFlush();
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
    while (this.bufferedLines > 0 || this.#drain !== null);
    this.#ended = true;
    try {
      await this.#store.writeReuse([], { ...this.#progress([]), hitsReserved: this.#issued, cleanShutdown: true });
    } catch (error) {
      this.#ended = false;
      throw error;
    }
  }

  #lineFor(hit: HitFacts, at: number): BufferedHits | null {
    const name = nameOf(hit, at);
    const open = this.#open.get(name);
    if (open !== undefined && open.hits < MOST_HITS_A_LINE) return open;
    if (this.bufferedLines >= this.#options.maxBufferedLines) return null;
    if (open !== undefined) this.#open.set(`full ${open.sequence}`, open);
    const line = { sequence: this.#issued, at, hit, hits: 0, requestIds: [], agesSeconds: [], afterMs: [] };
    this.#open.set(name, line);
    return line;
  }

  #keepReceipt(line: BufferedHits, { requestId, ageSeconds }: HitFacts, at: number): void {
    if (this.#receipts >= this.#options.maxBufferedReceipts) return;
    this.#receipts += 1;
    line.requestIds.push(requestId ?? null);
    line.agesSeconds.push(ageSeconds ?? null);
    line.afterMs.push(at - line.at);
  }

  async #writeAll(leastLines: number): Promise<void> {
    let left = this.bufferedLines;
    do {
      left -= this.#sent.length > 0 ? this.#sent.length : this.#take(Math.min(left, this.#options.linesPerStatement));
      await this.#writer.write(
        this.#sent.map(({ row }) => row),
        (row) => {
          this.#leave([row]);
          this.#drop(row.hits);
        },
      );
    } while (left >= leastLines);
  }

  /** From here on these lines take no more hits: the next begins a new one. Answers how many they are. */
  #take(most: number): number {
    const taken: SentLine[] = [];
    let lines = 0;
    for (const [name, line] of this.#open) {
      if (lines >= most) break;
      lines += 1;
      this.#open.delete(name);
      const receipts = line.requestIds.length;
      try {
        taken.push({ row: reuseRow(this.#processId, line, this.#prices), receipts });
      } catch (error) {
        // It would stand in the way of all that follow.
        this.#observer.lineRejected?.('reuse', error);
        this.#receipts -= receipts;
        this.#drop(line.hits);
      }
    }
    this.#sent = taken;
    return lines;
  }

  async #writeRows(rows: readonly ReuseRow[]): Promise<void> {
    const progress = this.#progress(rows);
    await this.#store.writeReuse(rows, progress);
    this.#written = progress.hitsWritten;
    this.#reserved = progress.hitsReserved;
    this.#leave(rows);
  }

  #leave(rows: readonly ReuseRow[]): void {
    const gone = new Set(rows);
    for (const { row, receipts } of this.#sent) if (gone.has(row)) this.#receipts -= receipts;
    this.#sent = this.#sent.filter(({ row }) => !gone.has(row));
  }

  #progress(rows: readonly ReuseRow[]): ProcessProgress {
    return {
      processId: this.#processId,
      startedAt: this.#startedAt,
      hitsReserved: this.#issued + this.#reserve(),
      hitsIssued: this.#issued,
      hitsWritten: this.#written + hitsIn(rows),
      hitsDropped: this.#dropped,
      cleanShutdown: false,
    };
  }

  /** Twice what came since the last report, or as much again as did not last until then; and less only by and by. */
  #reserve(): number {
    const came = this.#issued - this.#issuedAtLastReport;
    this.#issuedAtLastReport = this.#issued;
    const wanted = Math.max(came * 2, this.#reservation * (this.#runsShort ? 2 : 0.9));
    this.#reservation = Math.max(this.#options.minReservedHits, Math.floor(wanted));
    return this.#reservation;
  }

  get #runsShort(): boolean {
    return this.#reserved - this.#issued < this.#options.minReservedHits / 2;
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

/** Hits share a line if they are alike in everything that a report groups or sums by. */
function nameOf(hit: HitFacts, at: number): string {
  // One answer has one usage; where it has no id, or nobody knows what was used, the usage itself must tell.
  const usage = hit.usage !== null && hit.responseId ? '' : JSON.stringify(hit.usage);
  return (
    `${hit.kind}${hit.part === true ? ' part' : ''} ${Math.floor(at / DAY_MS)} ${hit.simulated} ${usage}` +
    part(hit.identity) +
    part(hit.model) +
    part(hit.answeredModel) +
    part(hit.responseId) +
    part(hit.serviceTier) +
    part(hit.route) +
    part(hit.provider) +
    part(hit.tenant) +
    part(hit.keyId) +
    part(hit.client) +
    part(hit.userId) +
    part(hit.clienteId) +
    part(hit.campanaId) +
    part(hit.segmento)
  );
}

/** Behind its length, so that no part can run into the next. */
function part(text: string | null | undefined): string {
  return text === null || text === undefined ? ' -' : ` ${text.length}:${text}`;
}
