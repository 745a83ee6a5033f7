import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import type { RedisRoles } from '../redis/roles.js';
import { absent, type Absent } from './answers.js';
import type { Cache } from './cache.js';
import type { Reading } from './entry.js';
import { valueReading } from './family-value.js';
import { follow } from './following.js';
import { conditionOf, resolveFreshness, type Freshness } from './freshness.js';
import type { Hit } from './judgement.js';
import type { Leadership } from './leadership.js';
import { runLoad, type Loader } from './load.js';
import type { LoadBound } from './load-bound.js';
import type { Loaded, LoadOptions } from './load-options.js';
import { Refreshes } from './refreshes.js';
import { flightOf, outcomeFor, type Outcome, type ValueFlight } from './value-flight.js';

/** One call for one value, understood. */
export interface Errand<F extends Family> {
  readonly ref: KeyRef<F>;
  readonly reading: Reading<ValueOf<F> | Absent>;
  readonly loader: Loader<ValueOf<F>>;
  readonly options: LoadOptions<ValueOf<F>>;
  readonly freshness: Freshness;
  readonly ttlSeconds: number;
  readonly bound: Pick<LoadBound, 'run'>;
  /** Called once it is known whether this call loads, joins a load, or has its value. */
  readonly decided?: () => void;
}

/** What a caller saw that will not do by itself. */
interface Seen<T> {
  /** May serve when the load is late or fails. */
  stale: Hit<T> | null;
  /** What a load replaces. */
  previous: Hit<T> | null;
  /** To be loaded anew behind the caller who is served. */
  refresh: 'early' | 'stale' | 'backing_off' | null;
}

/** Carries errands out: what is stored, somebody's load, or a load of one's own. */
export class Errands {
  readonly #cache: Cache;
  readonly #roles: RedisRoles;
  readonly #refreshes = new Refreshes();

  constructor(cache: Cache, roles: RedisRoles) {
    this.#cache = cache;
    this.#roles = roles;
  }

  /**
   * @throws RangeError, KeyspaceError for options that cannot be
   */
  understand<F extends Family>(
    ref: KeyRef<F>,
    loader: Loader<ValueOf<F>>,
    options: LoadOptions<ValueOf<F>>,
  ): Errand<F> {
    const freshness = resolveFreshness(options, this.#cache.policies.of(ref.family).freshness);
    const own = valueReading(ref, options.labels);
    const reading: Reading<ValueOf<F> | Absent> =
      freshness.negativeTtlSeconds === null ? own : { ...own, absence: absent };
    const ttlSeconds = this.#cache.ttlSeconds(own, options.ttlSeconds);
    return { ref, reading, loader, options, freshness, ttlSeconds, bound: this.#cache.policies.of(ref.family).bound };
  }

  /** What this process has in its own memory, when it is fresh and will do as it is. */
  atHand<F extends Family>({ reading, options, freshness }: Errand<F>): Loaded<ValueOf<F> | Absent> | null {
    if (options.anew === true) return null;
    const hit = this.#cache.peek(
      reading,
      (found) =>
        conditionOf(found, freshness, this.#cache.random) === 'fresh' &&
        (options.accept?.(found as Hit<ValueOf<F>>) ?? true),
    );
    return hit === undefined ? null : fromHit(hit, 'hit');
  }

  async run<F extends Family>(errand: Errand<F>): Promise<Loaded<ValueOf<F> | Absent>> {
    for (;;) {
      const loaded = await this.#try(errand);
      if (loaded !== null) return loaded;
    }
  }

  /** Null: whoever had the load under way is gone; once more. */
  async #try<F extends Family>(errand: Errand<F>): Promise<Loaded<ValueOf<F> | Absent> | null> {
    type T = ValueOf<F> | Absent;
    const { ref, reading, options, freshness } = errand;
    const { observer } = this.#cache;
    const seen: Seen<T> = { stale: null, previous: null, refresh: null };
    const opened = await this.#cache.open<T, ValueFlight<T>>(reading, {
      lead: (leadership) => flightOf((abandoned) => this.#load(errand, leadership, seen.previous, abandoned)),
      follow: (token) => this.#follow(errand, token),
      accept: (hit) => this.#accept(errand, hit, seen),
      anew: options.anew === true,
    });
    errand.decided?.();
    if (opened.kind === 'hit') {
      if (seen.refresh === 'backing_off') observer.stale?.(ref.family.id, 'backing_off');
      else if (seen.refresh !== null && opened.lease === null) this.#refresh(errand, opened.hit);
      if (seen.refresh === 'stale') observer.stale?.(ref.family.id, 'refreshing');
      return fromHit(opened.hit, seen.stale === null ? 'hit' : 'stale');
    }
    const stale = opened.refused === null ? null : seen.stale;
    const atMostMs = stale === null ? null : freshness.softTimeoutMs;
    const outcome = await outcomeFor(opened.flight, { signal: options.signal, atMostMs });
    if (outcome.kind === 'late' || outcome.kind === 'error') {
      if (stale === null) throw (outcome as { error: unknown }).error;
      observer.stale?.(ref.family.id, outcome.kind === 'late' ? 'slow' : 'failed');
      return fromHit(stale, 'stale');
    }
    if (outcome.kind === 'again') return null;
    if (outcome.kind === 'found') return this.#suits(errand, outcome.hit) ? fromHit(outcome.hit, 'followed') : null;
    const led = opened.how === 'led';
    const source = led ? 'loaded' : 'joined';
    return { value: outcome.value, source, ageSeconds: 0, hit: null, stored: led ? outcome.stored : null };
  }

  /** Whether the caller is served with this entry now. */
  #accept<F extends Family>(
    errand: Errand<F>,
    hit: Hit<ValueOf<F> | Absent>,
    seen: Seen<ValueOf<F> | Absent>,
  ): boolean {
    // L1's entry first, then that of Redis: the last one counts.
    seen.stale = null;
    seen.refresh = null;
    seen.previous = hit.storedAtMs === null ? null : hit;
    if (!(errand.options.accept?.(hit as Hit<ValueOf<F>>) ?? true)) return false;
    const { freshness } = errand;
    const condition = conditionOf(hit, freshness, this.#cache.random);
    if (condition === 'dead') return false;
    if (condition === 'fresh') return true;
    if (condition === 'early') {
      seen.refresh = 'early';
      return true;
    }
    seen.stale = hit;
    seen.refresh = this.#refreshes.backingOff(errand.ref.key) ? 'backing_off' : 'stale';
    return seen.refresh === 'backing_off' || freshness.softTimeoutMs === 0;
  }

  /** Whether a follower, who has waited for it, takes this entry. */
  #suits<F extends Family>({ options }: Errand<F>, hit: Hit<ValueOf<F> | Absent>): boolean {
    if (hit.freshUntilMs !== null && hit.readAtMs >= hit.freshUntilMs) return false;
    return options.accept?.(hit as Hit<ValueOf<F>>) ?? true;
  }

  /** Loads anew what somebody has just been served, once at a time, with nobody waiting for it. */
  #refresh<F extends Family>(errand: Errand<F>, served: Hit<ValueOf<F> | Absent>): void {
    type T = ValueOf<F> | Absent;
    this.#refreshes.begin(errand.ref.key, async () => {
      const opened = await this.#cache.open<T, ValueFlight<T>>(errand.reading, {
        lead: (leadership) => flightOf((abandoned) => this.#load(errand, leadership, served, abandoned)),
        follow: (token) => this.#follow(errand, token),
        accept: ({ storedAtMs }) => storedAtMs !== served.storedAtMs,
        peeked: true,
      });
      if (opened.kind === 'flight') await outcomeFor(opened.flight, {});
    });
  }

  #follow<F extends Family>(errand: Errand<F>, token: string): ValueFlight<ValueOf<F> | Absent> {
    const { reading } = errand;
    const accept = (hit: Hit<ValueOf<F> | Absent>): boolean => this.#suits(errand, hit);
    return flightOf((abandoned) => follow(this.#cache, this.#roles, { reading, token, accept, abandoned }));
  }

  async #load<F extends Family>(
    { ref, loader, freshness, ttlSeconds, bound }: Errand<F>,
    leadership: Leadership,
    previous: Hit<ValueOf<F> | Absent> | null,
    abandoned: AbortSignal,
  ): Promise<Outcome<ValueOf<F> | Absent>> {
    const { observer, random } = this.#cache;
    const outcome = await runLoad({
      ref,
      loader,
      leadership,
      freshness,
      ttlSeconds,
      bound,
      random,
      previous,
      abandoned,
      ended: (result, seconds) => observer.loaded?.(ref.family.id, result, seconds),
    });
    if (outcome.kind === 'error') this.#refreshes.failed(ref.key, freshness.errorBackoffMs);
    else this.#refreshes.succeeded(ref.key);
    return outcome;
  }
}

function fromHit<T>(hit: Hit<T>, source: 'hit' | 'stale' | 'followed'): Loaded<T> {
  const ageSeconds = hit.storedAtMs === null ? null : Math.max(0, (hit.readAtMs - hit.storedAtMs) / 1000);
  return { value: hit.value, source, ageSeconds, hit, stored: null };
}
