import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisRoles } from '../redis/roles.js';
import type { Cache, Leadership } from './cache.js';
import { encodeValue, valueReading } from './family-value.js';
import type { Flight } from './flights.js';
import { keysOf, type Hit, type Reading } from './lookup.js';
import type { FillResult } from './observer.js';

/**
 * Cache-aside for values that are loaded whole: `getOrLoad`.
 *
 * A caller gets a stored value, the result of a load of its own, or that of a load which somebody in this or another
 * process has under way. A loader's error is given to all who wait for that load in this process and is not stored;
 * the waiters of another process try once more, one of them at a time.
 */
export interface LoadOptions {
  readonly ttlSeconds?: number;
}

export interface Loaded<T> {
  readonly value: T;
  readonly source: 'hit' | 'loaded' | 'joined' | 'followed';
  /** Seconds since the value was stored; 0 for one just loaded, null where another system wrote it. */
  readonly ageSeconds: number | null;
  /** Of a load by this very call: whether it was stored. */
  readonly stored: Promise<FillResult> | null;
}

/** What ends a flight for those on board. `again`: whoever loaded is gone or failed; open the entry anew. */
type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T; readonly stored: Promise<FillResult> | null }
  | { readonly kind: 'found'; readonly hit: Hit<T> }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'again' };

interface ValueFlight<T> extends Flight {
  /** Known as soon as the value is; `done` comes when it is stored too. */
  readonly outcome: Promise<Outcome<T>>;
}

/** A follower looks again at this pace when it hears nothing: messages are hints (see Subscriptions). */
const LOOK_AGAIN_MS = { least: 200, spread: 200 } as const;

export class CacheAside {
  readonly #cache: Cache;
  readonly #roles: RedisRoles;

  constructor(cache: Cache, roles: RedisRoles) {
    this.#cache = cache;
    this.#roles = roles;
  }

  /**
   * @throws whatever the loader throws, unchanged
   * @throws RangeError for a time to live that no entry can have
   * @throws KeyspaceError `value_shape` when the loader gives what is no value of the family
   */
  async getOrLoad<F extends Family>(
    ref: KeyRef<F>,
    loader: () => Promise<ValueOf<F>>,
    options: LoadOptions = {},
  ): Promise<Loaded<ValueOf<F>>> {
    const reading = valueReading(ref);
    this.#cache.ttlSeconds(reading, options.ttlSeconds);
    for (;;) {
      const opened = await this.#cache.open<ValueOf<F>, ValueFlight<ValueOf<F>>>(reading, {
        lead: (leadership) => flightOf(this.#load(ref, loader, leadership, options)),
        follow: (token) => flightOf(this.#await(reading, token)),
      });
      if (opened.kind === 'hit') return fromHit(opened.hit, 'hit');
      const outcome = await opened.flight.outcome;
      if (outcome.kind === 'error') throw outcome.error;
      if (outcome.kind === 'found') return fromHit(outcome.hit, 'followed');
      if (outcome.kind === 'value') {
        const led = opened.how === 'led';
        return {
          value: outcome.value,
          source: led ? 'loaded' : 'joined',
          ageSeconds: 0,
          stored: led ? outcome.stored : null,
        };
      }
    }
  }

  async #load<F extends Family>(
    ref: KeyRef<F>,
    loader: () => Promise<ValueOf<F>>,
    leadership: Leadership,
    options: LoadOptions,
  ): Promise<Outcome<ValueOf<F>>> {
    const began = performance.now();
    try {
      const value = await loader();
      const stored = leadership.fill({
        stored: encodeValue(ref.family, value),
        loadCostMs: performance.now() - began,
        ...options,
      });
      return { kind: 'value', value, stored };
    } catch (error) {
      await leadership.release();
      return { kind: 'error', error };
    }
  }

  /** Waits for what another process loads under `token`. */
  async #await<T>(reading: Reading<T>, token: string): Promise<Outcome<T>> {
    const wake = new Wake();
    const channel = `wake:${keysOf(reading, this.#cache.keyPrefix).value}`;
    const unsubscribe = await this.#roles
      .subscriptions(reading.ref.family.role)
      .on(channel, () => wake.ring())
      .catch((error: unknown) => {
        if (!(error instanceof RedisUnavailableError)) throw error;
        return () => {};
      });
    try {
      for (;;) {
        const found = await this.#cache.lookup(reading);
        if (found.kind === 'hit') return { kind: 'found', hit: found.hit };
        if (found.kind === 'away' || found.lease !== token) return { kind: 'again' };
        await wake.orAfter(LOOK_AGAIN_MS.least + Math.random() * LOOK_AGAIN_MS.spread);
      }
    } finally {
      unsubscribe();
    }
  }
}

function flightOf<T>(outcome: Promise<Outcome<T>>): ValueFlight<T> {
  return { outcome, done: outcome.then((ended) => (ended.kind === 'value' ? ended.stored : null)) };
}

function fromHit<T>(hit: Hit<T>, source: 'hit' | 'followed'): Loaded<T> {
  const ageSeconds = hit.storedAtMs === null ? null : Math.max(0, (hit.readAtMs - hit.storedAtMs) / 1000);
  return { value: hit.value, source, ageSeconds, stored: null };
}

/** Waits for a ring, one that came before the waiting began included. */
class Wake {
  #rung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiting?.();
  }

  async orAfter(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#rung = false;
    this.#waiting = undefined;
  }
}
