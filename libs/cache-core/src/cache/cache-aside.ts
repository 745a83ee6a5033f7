import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisRoles } from '../redis/roles.js';
import { Wake } from '../redis/wake.js';
import type { Cache } from './cache.js';
import { keysOf, type EntryLabels, type Reading } from './entry.js';
import { encodeValue, valueReading } from './family-value.js';
import type { Flight } from './flights.js';
import type { Hit } from './judgement.js';
import type { Leadership } from './leadership.js';
import type { FillResult } from './observer.js';

/**
 * Cache-aside for values that are loaded whole: `getOrLoad`.
 *
 * A caller gets a stored value, the result of a load of its own, or that of a load which somebody in this or another
 * process has under way. A loader's error is given to all who wait for that load in this process and is not stored;
 * the waiters of another process try once more, one of them at a time.
 */
export interface LoadOptions<T = unknown> {
  readonly ttlSeconds?: number;
  /** What the value is stored under, to be invalidated by. */
  readonly labels?: EntryLabels;
  /** Load anew and join nobody. What is stored stays until the new value takes its place, so a failure costs nothing. */
  readonly anew?: boolean;
  /** Whether an entry found is good enough for this caller; by default every one is. */
  readonly accept?: (hit: Hit<T>) => boolean;
  /** Aborted when the caller waits no more: his call rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** `signal` aborts when nobody in this process waits for the load any more; callers without a signal always wait. */
export type Loader<T> = (signal: AbortSignal) => Promise<T>;

export interface Loaded<T> {
  readonly value: T;
  readonly source: 'hit' | 'loaded' | 'joined' | 'followed';
  /** Seconds since the value was stored; 0 for one just loaded, null where another system wrote it. */
  readonly ageSeconds: number | null;
  /** The entry as it was found; null for a value that was not read from Redis. */
  readonly hit: Hit<T> | null;
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
  readonly waiting: Waiting;
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
   * The value, if this process has it in its own memory, with no promise in between. It is shared with every other
   * reader and must not be changed; outside production it is frozen.
   */
  warm<F extends Family>(ref: KeyRef<F>): Hit<ValueOf<F>> | undefined {
    return this.#cache.peek(valueReading(ref));
  }

  /**
   * @throws whatever the loader throws, unchanged
   * @throws RangeError for a time to live that no entry can have
   * @throws KeyspaceError `value_shape` when the loader gives what is no value of the family; `labels` for a namespace or
   *   tags that no entry can have
   */
  async getOrLoad<F extends Family>(
    ref: KeyRef<F>,
    loader: Loader<ValueOf<F>>,
    options: LoadOptions<ValueOf<F>> = {},
  ): Promise<Loaded<ValueOf<F>>> {
    const reading = valueReading(ref, options.labels);
    this.#cache.ttlSeconds(reading, options.ttlSeconds);
    const accept = options.accept ?? everyOne;
    for (;;) {
      const opened = await this.#cache.open<ValueOf<F>, ValueFlight<ValueOf<F>>>(reading, {
        lead: (leadership) => flightOf((signal) => this.#load(ref, () => loader(signal), leadership, options)),
        follow: (token) => flightOf((signal) => this.#await(reading, token, accept, signal)),
        accept,
        anew: options.anew === true,
      });
      if (opened.kind === 'hit') return fromHit(opened.hit, 'hit');
      const outcome = await outcomeFor(opened.flight, options.signal);
      if (outcome.kind === 'error') throw outcome.error;
      // Who boarded first may have been content with less.
      if (outcome.kind === 'found' && accept(outcome.hit)) return fromHit(outcome.hit, 'followed');
      if (outcome.kind === 'value') {
        const led = opened.how === 'led';
        return {
          value: outcome.value,
          source: led ? 'loaded' : 'joined',
          ageSeconds: 0,
          hit: null,
          stored: led ? outcome.stored : null,
        };
      }
    }
  }

  async #load<F extends Family>(
    ref: KeyRef<F>,
    loader: () => Promise<ValueOf<F>>,
    leadership: Leadership,
    { ttlSeconds }: LoadOptions<ValueOf<F>>,
  ): Promise<Outcome<ValueOf<F>>> {
    const began = performance.now();
    try {
      const value = await loader();
      const stored = leadership.fill({
        stored: encodeValue(ref.family, value),
        loadCostMs: performance.now() - began,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      });
      return { kind: 'value', value, stored };
    } catch (error) {
      await leadership.release();
      return { kind: 'error', error };
    }
  }

  /** Waits for what another process loads under `token`. */
  async #await<T>(
    reading: Reading<T>,
    token: string,
    accept: (hit: Hit<T>) => boolean,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    const wake = new Wake();
    signal.addEventListener('abort', () => wake.ring());
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
        const found = await this.#cache.ask(reading);
        if (found.kind === 'hit' && accept(found.hit)) return { kind: 'found', hit: found.hit };
        if (found.kind === 'away' || found.lease !== token || signal.aborted) return { kind: 'again' };
        await wake.orAfter(LOOK_AGAIN_MS.least + Math.random() * LOOK_AGAIN_MS.spread);
      }
    } finally {
      unsubscribe();
    }
  }
}

function flightOf<T>(begin: (signal: AbortSignal) => Promise<Outcome<T>>): ValueFlight<T> {
  const waiting = new Waiting();
  const outcome = begin(waiting.signal);
  return { outcome, waiting, done: outcome.then((ended) => (ended.kind === 'value' ? ended.stored : null)) };
}

async function outcomeFor<T>(
  { outcome, waiting }: ValueFlight<T>,
  signal: AbortSignal | undefined,
): Promise<Outcome<T>> {
  if (waiting.signal.aborted) {
    // Given up before we came: what became of it is nobody's.
    await outcome;
    return { kind: 'again' };
  }
  waiting.come();
  if (signal === undefined) return outcome;
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  try {
    return await Promise.race([outcome, left.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
    waiting.leave();
  }
}

/** Those in this process who wait for one load. When the last has left, it is given up. */
class Waiting {
  readonly #abandoned = new AbortController();
  #callers = 0;

  get signal(): AbortSignal {
    return this.#abandoned.signal;
  }

  come(): void {
    this.#callers += 1;
  }

  leave(): void {
    this.#callers -= 1;
    if (this.#callers === 0) this.#abandoned.abort();
  }
}

function everyOne(): boolean {
  return true;
}

function fromHit<T>(hit: Hit<T>, source: 'hit' | 'followed'): Loaded<T> {
  const ageSeconds = hit.storedAtMs === null ? null : Math.max(0, (hit.readAtMs - hit.storedAtMs) / 1000);
  return { value: hit.value, source, ageSeconds, hit, stored: null };
}
