import { companions } from '../keyspace/companion.js';
import type { KeyRef } from '../keyspace/family.js';
import type { keyspace } from '../keyspace/keyspace.js';
import { physicalKey } from '../keyspace/physical-key.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';

const ACQUIRE = loadScript(new URL('./lua/acquire-lock.lua', import.meta.url));
const EXTEND = loadScript(new URL('./lua/extend-lock.lua', import.meta.url));
const RELEASE = loadScript(new URL('./lua/release-lock.lua', import.meta.url));

/** A key of one of the families that are locks. */
export type LockRef = KeyRef<typeof keyspace.lockNamed> | KeyRef<typeof keyspace.lockContentGeneration>;

export type Taken =
  | { readonly kind: 'taken'; readonly expiresAtMs: number }
  /** `freeInMs` null: it does not expire by itself. */
  | { readonly kind: 'held'; readonly freeInMs: number | null };

/** `other`: somebody else holds it. `none`: nobody does. */
export type NotOurs = { readonly kind: 'other' | 'none' };
export type Extended = { readonly kind: 'held'; readonly expiresAtMs: number; readonly token: number | null } | NotOurs;
export type Released = 'released' | NotOurs['kind'];

/** The locks as they stand in Redis: one script for each thing that can be done. All throw `RedisUnavailableError`. */
export class LockTable {
  readonly #link: RedisLink;
  readonly #keyPrefix: string;

  constructor(link: RedisLink, keyPrefix: string) {
    this.#link = link;
    this.#keyPrefix = keyPrefix;
  }

  async take(ref: LockRef, owner: string, ttlMs: number): Promise<Taken> {
    const [kind, ms] = (await this.#link.run(ACQUIRE, this.#keys(ref), [owner, ttlMs])) as ['taken' | 'held', number];
    return kind === 'taken' ? { kind, expiresAtMs: ms } : { kind, freeInMs: ms < 0 ? null : ms };
  }

  async extend(ref: LockRef, owner: string, ttlMs: number, token: number | null = null): Promise<Extended> {
    const args = [owner, ttlMs, token === null ? '' : String(token)];
    const [kind, expiresAtMs, fence] = (await this.#link.run(EXTEND, this.#keys(ref), args)) as
      ['held', number, string] | ['other' | 'none', undefined?, undefined?];
    if (kind !== 'held') return { kind };
    return { kind, expiresAtMs, token: fence === '' ? null : Number(fence) };
  }

  async release(ref: LockRef, owner: string): Promise<Released> {
    return (await this.#link.run(RELEASE, this.#keys(ref), [owner])) as Released;
  }

  /** Rings when the lock is released. */
  channel(ref: LockRef): string {
    return `wake:${physicalKey(this.#keyPrefix, ref.key)}`;
  }

  #keys(ref: LockRef): readonly string[] {
    return [physicalKey(this.#keyPrefix, ref.key), companions.fence.beside(ref, this.#keyPrefix)];
  }
}
