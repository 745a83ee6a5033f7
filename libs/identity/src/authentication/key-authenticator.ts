import { DatabaseUnavailableError } from '@promptsales/database';
import { hash, timingSafeEqual } from 'node:crypto';
import { ADMINISTRATOR, type Principal } from '../access/principal.js';
import { isKeyShaped } from '../keys/key-format.js';
import { KeyLookups } from './key-lookups.js';
import type { KeyFact, KeySource, Snapshot } from './key-facts.js';
import { KeyTable, type KnownKey } from './key-table.js';
import { RevisionWatch, type Trust } from './revision-watch.js';
import { UnknownKeys } from './unknown-keys.js';

/**
 * Who presents this key?
 *
 * A key that is known is answered synchronously: one SHA-256, one map lookup, one comparison of times. Keys are compared by
 * their hash, which tells somebody who measures nothing that leads to a key of 256 random bits; the administrator's key was
 * chosen by a person, so it alone is compared in constant time.
 * `RevisionWatch` says how long what is known may be used; `KeyLookups` finds what is not.
 */
const LONGEST_KEY = 512;
const MOST_KNOWN = 20_000;
const MOST_UNKNOWN = 20_000;
const UNKNOWN_FOR_MS = 60_000;

export interface AuthenticatorOptions {
  readonly source: KeySource;
  /** ADMIN_API_KEY. */
  readonly adminKey: string;
  readonly pollEveryMs: number;
  /** How long keys that are known go on being accepted without PostgreSQL. */
  readonly graceMs: number;
  readonly failed: (error: unknown) => void;
}

/** For health and metrics. */
export interface AuthenticatorStatus {
  readonly trust: Trust;
  /** The age of what is known. */
  readonly verifiedMsAgo: number;
  readonly knownKeys: number;
  readonly unknownKeys: number;
  readonly lookupQueries: number;
}

export class KeyAuthenticator {
  readonly #adminHash: Buffer;
  readonly #adminLength: number;
  readonly #known = new KeyTable(MOST_KNOWN);
  readonly #unknown = new UnknownKeys(MOST_UNKNOWN, UNKNOWN_FOR_MS);
  readonly #watch: RevisionWatch;
  readonly #lookups: KeyLookups;

  constructor(options: AuthenticatorOptions) {
    this.#adminHash = hash('sha256', options.adminKey, 'buffer');
    this.#adminLength = options.adminKey.length;
    this.#watch = new RevisionWatch({
      source: options.source,
      everyMs: options.pollEveryMs,
      graceMs: options.graceMs,
      apply: (facts) => this.#apply(facts),
      forgetAll: () => this.#forgetAll(),
      failed: options.failed,
    });
    this.#lookups = new KeyLookups(options.source, (snapshot, asked) => this.#remember(snapshot, asked));
  }

  start(): Promise<void> {
    return this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Takes in every change that was committed before this call. */
  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  status(): AuthenticatorStatus {
    const now = performance.now();
    return {
      trust: this.#watch.trust(now),
      verifiedMsAgo: Math.max(0, Math.round(now - this.#watch.verifiedAt)),
      knownKeys: this.#known.size,
      unknownKeys: this.#unknown.size,
      lookupQueries: this.#lookups.queries,
    };
  }

  /** Null when the key is not valid; `DatabaseUnavailableError` when that cannot be known at the moment. */
  authenticate(presented: string): Principal | null | Promise<Principal | null> {
    if (presented.length > LONGEST_KEY) return null;
    if (presented.length === this.#adminLength && this.#isAdmin(presented)) return ADMINISTRATOR;
    const digest = hash('sha256', presented, 'hex');
    const known = this.#known.get(digest);
    if (known === undefined) return this.#unfamiliar(presented, digest);
    const trust = this.#watch.trust(performance.now());
    if (trust === 'verified' || trust === 'grace') return this.#unexpired(digest, known);
    return this.#verified(digest);
  }

  #isAdmin(presented: string): boolean {
    return timingSafeEqual(hash('sha256', presented, 'buffer'), this.#adminHash);
  }

  #unexpired(digest: string, known: KnownKey): Principal | null {
    if (known.expiresAt > Date.now()) return known.principal;
    this.#known.delete(digest);
    return null;
  }

  #unfamiliar(presented: string, digest: string): null | Promise<Principal | null> {
    if (!isKeyShaped(presented)) return null;
    if (this.#unknown.has(digest, performance.now())) return null;
    return this.#looked(digest);
  }

  async #looked(digest: string): Promise<Principal | null> {
    const fact = await this.#lookups.find(digest);
    return fact?.known?.principal ?? null;
  }

  /** What is known is too old to be used: look first. */
  async #verified(digest: string): Promise<Principal | null> {
    await this.#watch.settled();
    if (this.#watch.trust(performance.now()) === 'outlived')
      throw new DatabaseUnavailableError('disconnected', { retryAfterSeconds: 5 });
    const known = this.#known.get(digest);
    if (known !== undefined) return this.#unexpired(digest, known);
    return this.#unknown.has(digest, performance.now()) ? null : await this.#looked(digest);
  }

  #apply(facts: readonly KeyFact[]): void {
    const now = performance.now();
    for (const { digest, known } of facts) {
      if (known === null) {
        this.#known.delete(digest);
        this.#unknown.add(digest, now);
      } else {
        this.#unknown.delete(digest);
        if (this.#known.has(digest)) this.#known.set(digest, known);
      }
    }
  }

  #remember(snapshot: Snapshot, asked: readonly string[]): void {
    if (!this.#watch.canKeep(snapshot)) return;
    const now = performance.now();
    const facts = new Map(snapshot.keys.map((fact) => [fact.digest, fact]));
    for (const digest of asked) {
      const known = facts.get(digest)?.known ?? null;
      if (known === null) this.#unknown.add(digest, now);
      else this.#known.set(digest, known);
    }
  }

  #forgetAll(): void {
    this.#known.clear();
    this.#unknown.clear();
  }
}
