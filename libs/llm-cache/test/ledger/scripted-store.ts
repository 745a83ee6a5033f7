import type { CallRow, ReuseRow } from '../../src/ledger/ledger-rows.js';
import type { LedgerStore, ProcessProgress } from '../../src/ledger/ledger-store.js';

/** What the store does with the next statements. `forgets` writes and loses the acknowledgement. */
export type StoreMood = 'works' | 'fails' | 'forgets' | 'hangs';

/** PostgreSQL's part of the ledger in memory, with its faults on demand and the same rules of what may change a line. */
export class ScriptedStore implements LedgerStore {
  mood: StoreMood = 'works';
  readonly calls = new Map<string, CallRow>();
  readonly reuse = new Map<string, ReuseRow>();
  readonly processes = new Map<string, ProcessProgress>();
  /** Lines of each statement of calls, in order. */
  readonly callStatements: number[] = [];
  /** Lines of each statement of hits, in order; 0 where it only said that the process lives. */
  readonly reuseStatements: number[] = [];
  /** A model whose line PostgreSQL refuses. */
  poison: string | null = null;
  #thawed: (() => void)[] = [];

  writeIntents(rows: readonly CallRow[]): Promise<void> {
    return this.writeCalls(rows);
  }

  async writeCalls(rows: readonly CallRow[]): Promise<void> {
    this.callStatements.push(rows.length);
    await this.#answer(rows, () => {
      for (const row of rows) {
        const known = this.calls.get(row.id);
        if (known === undefined || (known.status === 'intent' && row.status !== 'intent')) this.calls.set(row.id, row);
      }
    });
  }

  async eraseCalls(ids: readonly string[]): Promise<void> {
    await this.#answer([], () => {
      for (const id of ids) if (this.calls.get(id)?.status === 'intent') this.calls.delete(id);
    });
  }

  async writeReuse(rows: readonly ReuseRow[], progress: ProcessProgress): Promise<void> {
    this.reuseStatements.push(rows.length);
    await this.#answer(rows, () => {
      for (const row of rows) {
        const key = `${row.process_id} ${row.sequence}`;
        if (!this.reuse.has(key)) this.reuse.set(key, row);
      }
      const known = this.processes.get(progress.processId);
      this.processes.set(progress.processId, {
        ...progress,
        hitsReserved: Math.max(known?.hitsReserved ?? 0, progress.hitsReserved),
        hitsWritten: Math.max(known?.hitsWritten ?? 0, progress.hitsWritten),
        hitsDropped: Math.max(known?.hitsDropped ?? 0, progress.hitsDropped),
      });
    });
  }

  /** Ends the hanging of every statement that hangs: they are written now. */
  thaw(): void {
    this.mood = 'works';
    for (const go of this.#thawed.splice(0)) go();
  }

  get spent(): bigint {
    return [...this.calls.values()].reduce((sum, row) => sum + BigInt(row.spent_nano_usd ?? 0), 0n);
  }

  get avoided(): bigint {
    return [...this.reuse.values()].reduce((sum, row) => sum + BigInt(row.avoided_nano_usd ?? 0), 0n);
  }

  get hits(): number {
    return [...this.reuse.values()].reduce((sum, row) => sum + row.hits, 0);
  }

  async #answer(rows: readonly { model: string }[], write: () => void): Promise<void> {
    const mood = this.mood;
    if (mood === 'hangs') await new Promise<void>((resolve) => this.#thawed.push(resolve));
    else await Promise.resolve();
    if (mood === 'fails') throw new Error('connection refused');
    if (rows.some(({ model }) => model === this.poison)) {
      throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
    }
    write();
    if (mood === 'forgets') throw new Error('connection reset while waiting for the answer');
  }
}
