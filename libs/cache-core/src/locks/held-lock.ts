import { LockLostError } from './lock-errors.js';
import type { LockObserver } from './lock-observer.js';
import type { LockRef, LockTable, Released } from './lock-table.js';

/** Where the holder stands, as of the last answer of Redis. */
export interface Holding {
  readonly ref: LockRef;
  readonly owner: string;
  readonly ttlMs: number;
  readonly token: number | null;
  /** By this process's monotonic clock, before the command was sent that took or last prolonged the lock. */
  readonly sentAtMs: number;
  /** By Redis's clock. */
  readonly expiresAtMs: number;
}

/** A prolongation that failed is tried again so soon, a tenth of the TTL at most. */
const RETRY_MS = 250;

/**
 * A lock that this process holds. It prolongs itself until it is released or lost; when it is lost, `signal` aborts with
 * `LockLostError`.
 *
 * Invariant: `held` is true only while Redis cannot have given the lock to anybody else. The time to live is counted from
 * before the command was sent, by a clock that does not jump, so it is over here before it is over there. A process that was
 * stopped finds it over when it goes on, before any other code of its timers runs.
 */
export class HeldLock implements AsyncDisposable {
  readonly ref: LockRef;
  readonly owner: string;
  /** The fencing number, where one was asked for. */
  readonly token: number | null;
  readonly #table: LockTable;
  readonly #observer: LockObserver;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  #standing: 'held' | 'lost' | 'released' = 'held';
  #validUntilMs: number;
  #expiresAtMs: number;
  #expiry: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #releasing: Promise<Released | 'unknown'> | undefined;

  constructor(table: LockTable, holding: Holding, observer: LockObserver, renew: boolean) {
    this.ref = holding.ref;
    this.owner = holding.owner;
    this.token = holding.token;
    this.#table = table;
    this.#observer = observer;
    this.#ttlMs = holding.ttlMs;
    this.#validUntilMs = holding.sentAtMs + holding.ttlMs;
    this.#expiresAtMs = holding.expiresAtMs;
    this.#watch();
    if (renew) this.#renewIn(this.#ttlMs / 3);
  }

  /** Aborts when the lock is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether it is ours for certain, at this very moment. */
  get held(): boolean {
    if (this.#standing === 'held' && performance.now() >= this.#validUntilMs) this.#lose('expired');
    return this.#standing === 'held';
  }

  /** When it runs out unless it is prolonged, by Redis's clock. */
  get expiresAt(): Date {
    return new Date(this.#expiresAtMs);
  }

  /** @throws LockLostError */
  assertHeld(): void {
    if (!this.held) this.#lost.signal.throwIfAborted();
  }

  /**
   * Gives it back. Never throws, and does nothing to a lock that has become somebody else's.
   * @returns `unknown` when Redis could not be asked: then it runs out by itself
   */
  release(): Promise<Released | 'unknown'> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #release(): Promise<Released | 'unknown'> {
    const { held } = this;
    clearTimeout(this.#expiry);
    clearTimeout(this.#renewal);
    if (held) this.#standing = 'released';
    try {
      const released = await this.#table.release(this.ref, this.owner);
      if (released === 'released') this.#observer.lock?.(this.ref.family.id, 'released');
      else if (held) this.#observer.lock?.(this.ref.family.id, 'lost');
      return released;
    } catch {
      this.#observer.lock?.(this.ref.family.id, 'left');
      return 'unknown';
    }
  }

  #watch(): void {
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#lose('expired'), Math.max(0, this.#validUntilMs - performance.now()));
    this.#expiry.unref();
  }

  #renewIn(ms: number): void {
    this.#renewal = setTimeout(() => void this.#renew(), ms);
    this.#renewal.unref();
  }

  async #renew(): Promise<void> {
    if (!this.held) return;
    const sentAtMs = performance.now();
    try {
      const extended = await this.#table.extend(this.ref, this.owner, this.#ttlMs);
      if (this.#standing !== 'held') return;
      if (extended.kind !== 'held') {
        this.#lose('taken');
        return;
      }
      this.#validUntilMs = sentAtMs + this.#ttlMs;
      this.#expiresAtMs = extended.expiresAtMs;
      this.#watch();
      this.#renewIn(this.#ttlMs / 3);
    } catch {
      // Unknown: it may have been prolonged. Relied upon is only what Redis has confirmed.
      this.#observer.lock?.(this.ref.family.id, 'unconfirmed');
      if (this.#standing === 'held') this.#renewIn(Math.min(RETRY_MS, this.#ttlMs / 10));
    }
  }

  #lose(how: 'expired' | 'taken'): void {
    if (this.#standing !== 'held') return;
    this.#standing = 'lost';
    clearTimeout(this.#expiry);
    clearTimeout(this.#renewal);
    this.#observer.lock?.(this.ref.family.id, 'lost');
    this.#lost.abort(new LockLostError(this.ref.key, how));
  }
}
