import { LRUCache } from 'lru-cache';

/** No single entry takes more than this share: the others would all have to go for it. */
const LARGEST_SHARE = 1 / 16;

/** Entries by key, bounded by the bytes that each is said to take. */
export class MemoryStore<E extends object> {
  readonly #entries: LRUCache<string, E> | null;
  readonly #largest: number;

  constructor(maxBytes: number) {
    this.#largest = Math.floor(maxBytes * LARGEST_SHARE);
    this.#entries =
      this.#largest < 1 ? null : new LRUCache<string, E>({ maxSize: maxBytes, maxEntrySize: this.#largest });
  }

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get bytes(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  get(key: string): E | undefined {
    return this.#entries?.get(key);
  }

  /** False for one that is too large. */
  set(key: string, entry: E, bytes: number): boolean {
    if (this.#entries === null || bytes > this.#largest) return false;
    this.#entries.set(key, entry, { size: Math.ceil(bytes) });
    return true;
  }

  delete(key: string): void {
    this.#entries?.delete(key);
  }

  deleteWhere(goes: (entry: E) => boolean): void {
    for (const [key, entry] of this.#entries?.entries() ?? []) if (goes(entry)) this.#entries?.delete(key);
  }

  clear(): void {
    this.#entries?.clear();
  }
}
