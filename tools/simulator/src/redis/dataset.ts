/** Keys and values of one simulated database, with a way back for a server that forgets its last second. */

/** Bytes as text, one character for each: what maps can have as keys. */
export type Bytes = string;
export type Value =
  | { readonly type: 'string'; readonly bytes: Buffer }
  | { readonly type: 'hash'; readonly fields: ReadonlyMap<Bytes, Buffer> }
  | { readonly type: 'list'; readonly items: readonly Buffer[] }
  | { readonly type: 'zset'; readonly scores: ReadonlyMap<Bytes, number> };

export interface Held {
  readonly value: Value;
  /** Milliseconds since the epoch by the server's clock; null: never. */
  readonly expiresAt: number | null;
}

/** Why a key is no longer what it was. */
export type Cause = 'written' | 'deleted' | 'expired' | 'evicted' | 'forgotten';
export type Change = (key: Bytes, cause: Cause, before: Held | undefined, after: Held | undefined) => void;

interface Undo {
  readonly at: number;
  readonly key: Bytes;
  readonly before: Held | undefined;
}

/** How far back it remembers, by the true time. */
const REMEMBERED_MS = 3000;

export class Dataset {
  readonly #keys = new Map<Bytes, Held>();
  #undo: Undo[] = [];

  constructor(
    private readonly trueNow: () => number,
    private readonly serverNow: () => number,
    private readonly changed: Change,
  ) {}

  get(key: Bytes): Held | undefined {
    const held = this.#keys.get(key);
    if (held?.expiresAt !== null && held !== undefined && held.expiresAt <= this.serverNow()) {
      this.#change(key, undefined, 'expired');
      return undefined;
    }
    return held;
  }

  set(key: Bytes, held: Held): void {
    this.#change(key, held, 'written');
  }

  delete(key: Bytes, cause: 'deleted' | 'evicted' = 'deleted'): boolean {
    if (this.get(key) === undefined) return false;
    this.#change(key, undefined, cause);
    return true;
  }

  keys(): Bytes[] {
    return [...this.#keys.keys()].filter((key) => this.get(key) !== undefined);
  }

  /** Becomes what it was at that true time: a power cut between two fsyncs, or a replica that lagged. */
  forgetSince(trueTime: number): number {
    let forgotten = 0;
    for (let last = this.#undo.at(-1); last !== undefined && last.at > trueTime; last = this.#undo.at(-1)) {
      this.#undo.pop();
      forgotten += 1;
      const now = this.#keys.get(last.key);
      if (last.before === undefined) this.#keys.delete(last.key);
      else this.#keys.set(last.key, last.before);
      this.changed(last.key, 'forgotten', now, last.before);
    }
    return forgotten;
  }

  #change(key: Bytes, after: Held | undefined, cause: Cause): void {
    const before = this.#keys.get(key);
    const at = this.trueNow();
    this.#undo.push({ at, key, before });
    if (this.#undo.length > 4000) this.#undo = this.#undo.filter((one) => one.at > at - REMEMBERED_MS);
    if (after === undefined) this.#keys.delete(key);
    else this.#keys.set(key, after);
    this.changed(key, cause, before, after);
  }
}
