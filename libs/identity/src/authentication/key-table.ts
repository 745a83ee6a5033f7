import type { Principal } from '../access/principal.js';

export interface KnownKey {
  readonly principal: Principal;
  /** Of the wall clock; infinite when it never expires. */
  readonly expiresAt: number;
}

/** Keys that were found valid, by the hex SHA-256 of the key. The oldest makes room; reading it again is one small query. */
export class KeyTable {
  readonly #keys = new Map<string, KnownKey>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#keys.size;
  }

  get(digest: string): KnownKey | undefined {
    return this.#keys.get(digest);
  }

  has(digest: string): boolean {
    return this.#keys.has(digest);
  }

  set(digest: string, key: KnownKey): void {
    if (this.#keys.size >= this.#most && !this.#keys.has(digest)) {
      const oldest = this.#keys.keys().next();
      if (oldest.done !== true) this.#keys.delete(oldest.value);
    }
    this.#keys.set(digest, key);
  }

  delete(digest: string): void {
    this.#keys.delete(digest);
  }

  clear(): void {
    this.#keys.clear();
  }
}
