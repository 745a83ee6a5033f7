/**
 * Distributed locks: one holder at a time over all processes, by Redis's own time.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A lock is a key that holds its owner's id and nothing else. It is taken only where there is no key, and changed or
 *    removed only by its owner: each of these is one script that compares first.
 * 2. Each acquisition has an owner id of its own (process and random), unless the caller brings one and answers for it.
 * 3. A command that was rejected to its caller takes no effect later: the scripts check a deadline by Redis's clock.
 * 4. When it is unknown whether a lock was taken, nobody works under it: it is taken back as soon as Redis answers, or
 *    runs out. (A caller's own owner id may be in use again by then, so such a lock is only left to run out.)
 * 5. A holder stops relying on the lock before Redis can give it to somebody else; see HeldLock.
 * 6. A fencing number is drawn while the lock is held, which is confirmed after the number is there: a holder who was
 *    stopped in between does not begin to work with a number greater than its successor's.
 *
 * What this cannot promise: that two holders never overlap when Redis itself forgets (a failover, a flush) or its wall clock
 * jumps. What must be right then checks the fencing number where it writes.
 *
 * There is no queue: whoever looks first when the lock is free gets it.
 */
import { randomBytes } from 'node:crypto';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisRoles } from '../redis/roles.js';
import { Wake } from '../redis/wake.js';
import type { FencingSource } from './fencing.js';
import { HeldLock, type Holding } from './held-lock.js';
import { LockHeldError, LockUnavailableError } from './lock-errors.js';
import type { LockObserver } from './lock-observer.js';
import { LockTable, type Extended, type LockRef, type Released } from './lock-table.js';

export interface LocksSettings {
  readonly keyPrefix: string;
  /** Seconds by family id (see `resolveTtls`); a family not named has its own default. */
  readonly ttls: Readonly<Record<string, number | null>>;
  /** For locks that are `fenced`. */
  readonly fencing?: FencingSource;
}

export interface AcquireOptions {
  /** How long the lock outlives a holder that dies. @default the family's TTL */
  readonly ttlMs?: number;
  /** How long to wait while others hold it. @default 0: not at all */
  readonly waitMs?: number;
  /** Draw a fencing number. @default false */
  readonly fenced?: boolean;
  /** Prolong it for as long as it is held. @default true */
  readonly renew?: boolean;
  /** @default an id of this acquisition alone */
  readonly owner?: string;
  /** Gives up waiting; the reason is thrown. */
  readonly signal?: AbortSignal;
}

/** Between two looks of one who waits; the ring of a release comes before. */
const PACE_MS = { first: 50, most: 1000 } as const;
/** Between attempts to take back a lock of which it is unknown whether it was taken. */
const TAKE_BACK_MS = 250;

/** See the invariants at the top of this file. */
export class Locks {
  readonly #processId = randomBytes(9).toString('base64url');
  readonly #roles: RedisRoles;
  readonly #settings: LocksSettings;
  readonly #observer: LockObserver;
  readonly #table: LockTable;
  readonly #closing = new AbortController();

  constructor(roles: RedisRoles, settings: Partial<LocksSettings> = {}, observer: LockObserver = {}) {
    this.#roles = roles;
    this.#settings = Object.freeze({ keyPrefix: '', ttls: {}, ...settings });
    this.#observer = observer;
    this.#table = new LockTable(roles.link('state'), this.#settings.keyPrefix);
  }

  /**
   * Takes the lock, waiting for it if asked to. Release it in any case: `await using lock = await locks.acquire(…)`.
   * @throws LockHeldError, LockUnavailableError, RangeError for a time to live that the family does not permit,
   *   and what the fencing source throws
   */
  async acquire(ref: LockRef, options: AcquireOptions = {}): Promise<HeldLock> {
    const ttlMs = this.#ttlMs(ref, options.ttlMs);
    const untilMs = performance.now() + (options.waitMs ?? 0);
    const wake = new Wake();
    let silence: (() => void) | null = null;
    try {
      for (let paceMs: number = PACE_MS.first; ; paceMs = Math.min(paceMs * 2, PACE_MS.most)) {
        options.signal?.throwIfAborted();
        const attempt = await this.#attempt(ref, ttlMs, options);
        if (attempt instanceof HeldLock) return attempt;
        const leftMs = untilMs - performance.now();
        if (leftMs <= 0) throw this.#refused(ref, new LockHeldError(ref.key, attempt.freeInMs));
        if (silence === null) {
          silence = await this.#listen(ref, wake);
          // It may have been released before its ring was listened for.
          continue;
        }
        const pace = Math.min(paceMs, attempt.freeInMs ?? paceMs) * (0.75 + Math.random() / 2);
        await wake.orAfter(Math.min(pace + 1, leftMs), options.signal);
      }
    } finally {
      silence?.();
    }
  }

  /**
   * Does `work` while holding the lock.
   * @throws LockLostError when the lock was lost before the work was done, though the work may have ended well
   * @throws as `acquire` does, and what `work` throws
   */
  async hold<T>(ref: LockRef, work: (lock: HeldLock) => Promise<T>, options: AcquireOptions = {}): Promise<T> {
    const lock = await this.acquire(ref, options);
    try {
      const result = await work(lock);
      lock.assertHeld();
      return result;
    } finally {
      await lock.release();
    }
  }

  /**
   * Prolongs a lock whose holder is not in this process.
   * @throws LockUnavailableError, RangeError
   */
  async extend(ref: LockRef, owner: string, ttlMs?: number): Promise<Extended> {
    const lastingMs = this.#ttlMs(ref, ttlMs);
    return this.#asked(ref, () => this.#table.extend(ref, owner, lastingMs));
  }

  /**
   * Releases a lock whose holder is not in this process.
   * @throws LockUnavailableError
   */
  async release(ref: LockRef, owner: string): Promise<Released> {
    const released = await this.#asked(ref, () => this.#table.release(ref, owner));
    if (released === 'released') this.#observer.lock?.(ref.family.id, released);
    return released;
  }

  /** Stops taking back what may have been taken; that runs out by itself. Locks that are held are their holders' to release. */
  close(): void {
    this.#closing.abort();
  }

  async #attempt(
    ref: LockRef,
    ttlMs: number,
    options: AcquireOptions,
  ): Promise<HeldLock | { readonly freeInMs: number | null }> {
    const owner = options.owner ?? `${this.#processId}.${randomBytes(9).toString('base64url')}`;
    const sentAtMs = performance.now();
    const taken = await this.#asked(
      ref,
      () => this.#table.take(ref, owner, ttlMs),
      () => {
        if (options.owner === undefined) void this.#takeBack(ref, owner, sentAtMs + ttlMs);
      },
    );
    if (taken.kind === 'held') return taken;
    const holding: Holding = { ref, owner, ttlMs, token: null, sentAtMs, expiresAtMs: taken.expiresAtMs };
    const fenced = options.fenced === true ? await this.#fenced(holding, options.owner === undefined) : holding;
    if (fenced === null) return { freeInMs: null };
    this.#observer.lock?.(ref.family.id, 'taken');
    return new HeldLock(this.#table, fenced, this.#observer, options.renew ?? true);
  }

  /** The holding with its number; null when the lock was lost before the number was there. */
  async #fenced(holding: Holding, ownerIsOurs: boolean): Promise<Holding | null> {
    const { ref, owner, ttlMs } = holding;
    const { fencing } = this.#settings;
    try {
      if (fencing === undefined) throw new TypeError('locks without a fencing source cannot be fenced');
      const token = await fencing.next({ tenant: ref.tenant, key: ref.key });
      const sentAtMs = performance.now();
      const confirmed = await this.#asked(ref, () => this.#table.extend(ref, owner, ttlMs, token));
      if (confirmed.kind !== 'held') return null;
      return { ...holding, token, sentAtMs, expiresAtMs: confirmed.expiresAtMs };
    } catch (error) {
      // Nobody works under it. Under a caller's own id it is given back now or not at all: see invariant 4.
      await this.#takeBack(ref, owner, ownerIsOurs ? performance.now() + ttlMs : 0);
      throw error;
    }
  }

  async #asked<T>(ref: LockRef, ask: () => Promise<T>, unknown?: () => void): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      if (error.trouble === 'timeout' || error.trouble === 'lost') unknown?.();
      throw this.#refused(ref, new LockUnavailableError(ref.key, { cause: error }));
    }
  }

  #refused<E extends LockHeldError | LockUnavailableError>(ref: LockRef, error: E): E {
    this.#observer.lock?.(ref.family.id, error instanceof LockHeldError ? 'held' : 'unavailable');
    return error;
  }

  /** Tries until Redis has answered, at the latest until the lock has run out. Resolves after the first attempt. */
  async #takeBack(ref: LockRef, owner: string, untilMs: number): Promise<void> {
    try {
      await this.#table.release(ref, owner);
    } catch {
      if (performance.now() >= untilMs || this.#closing.signal.aborted) {
        this.#observer.lock?.(ref.family.id, 'left');
        return;
      }
      const again = setTimeout(
        () => void this.#takeBack(ref, owner, untilMs),
        TAKE_BACK_MS * (0.75 + Math.random() / 2),
      );
      again.unref();
    }
  }

  async #listen(ref: LockRef, wake: Wake): Promise<() => void> {
    try {
      return await this.#roles.subscriptions('state').on(this.#table.channel(ref), () => wake.ring());
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#observer.lock?.(ref.family.id, 'unhinted');
      return () => {};
    }
  }

  #ttlMs({ family }: LockRef, asked?: number): number {
    const ms = asked ?? (this.#settings.ttls[family.id] ?? family.ttlSeconds ?? 0) * 1000;
    const { min, max } = family.ttlRange;
    if (Number.isInteger(ms) && ms >= min * 1000 && ms <= max * 1000) return ms;
    throw new RangeError(`a lock of family ${family.id} lasts ${min} to ${max} s, in whole milliseconds; got ${ms} ms`);
  }
}
