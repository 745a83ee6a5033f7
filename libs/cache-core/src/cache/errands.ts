import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import type { RedisRoles } from '../redis/roles.js';
import type { Absent } from './answers.js';
import type { Cache } from './cache.js';
import { Errand, type Carrier, type Terms } from './errand.js';
import { follow } from './following.js';
import { resolveFreshness } from './freshness.js';
import type { Hit } from './judgement.js';
import type { Leadership } from './leadership.js';
import { runLoad } from './load.js';
import { LoadBatch } from './load-batch.js';
import type { Loaded, LoadOptions } from './load-options.js';
import type { Opened } from './opening.js';
import { Refreshes } from './refreshes.js';
import { flightOf, outcomeFor, type Outcome, type ValueFlight } from './value-flight.js';

type Value<F extends Family> = ValueOf<F> | Absent;
type Opening<F extends Family> = Opened<Value<F>, ValueFlight<Value<F>>>;

/** Carries errands out: what is stored, somebody's load, or a load of one's own. */
export class Errands implements Carrier {
  readonly random: () => number;
  readonly #cache: Cache;
  readonly #roles: RedisRoles;
  readonly #refreshes = new Refreshes();

  constructor(cache: Cache, roles: RedisRoles) {
    this.#cache = cache;
    this.#roles = roles;
    this.random = cache.random;
  }

  /**
   * Of a call for this value, or for several of its family.
   * @throws RangeError for options that cannot be
   */
  terms<F extends Family>(ref: KeyRef<F>, loader: Terms<F>['loader'], options: LoadOptions<ValueOf<F>>): Terms<F> {
    const policy = this.#cache.policies.of(ref.family);
    return {
      loader,
      options,
      freshness: resolveFreshness(options, policy.freshness),
      ttlSeconds: this.#ttlOf(ref, options.ttlSeconds),
      bound: policy.bound,
    };
  }

  #ttlOf<F extends Family>(ref: KeyRef<F>, asked: LoadOptions<ValueOf<F>>['ttlSeconds']): Terms<F>['ttlSeconds'] {
    if (typeof asked !== 'function') return this.#cache.ttlSeconds({ ref }, asked);
    return (value) => this.#cache.ttlSeconds({ ref }, asked(value));
  }

  errand<F extends Family>(ref: KeyRef<F>, terms: Terms<F>): Errand<F> {
    return new Errand(ref, terms, this);
  }

  /** What this process has in its own memory, when it is fresh and will do as it is. */
  atHand<F extends Family>(errand: Errand<F>): Loaded<Value<F>> | null {
    if (errand.anew) return null;
    errand.peeked = true;
    const hit = this.#cache.peek(errand.reading, (found) => {
      const suits = errand.suitsAtOnce(found);
      if (!suits) errand.peeked = false;
      return suits;
    });
    return hit === undefined ? null : fromHit(hit, 'hit');
  }

  async run<F extends Family>(
    errand: Errand<F>,
    opening: Opening<F> | Promise<Opening<F>> = this.#open(errand),
  ): Promise<Loaded<Value<F>>> {
    for (let way = opening; ; way = this.#open(errand)) {
      const opened = await way;
      errand.decided();
      if (opened.kind === 'hit') return this.#served(errand, opened);
      const loaded = await this.#onBoard(errand, opened);
      if (loaded !== null) return loaded;
      // Whoever had the load under way is gone; once more.
      errand.peeked = false;
      errand.forget();
    }
  }

  /** Looks for what is stored while something else is done, and goes on when both are. @throws what that throws */
  async openBeside<F extends Family>(errand: Errand<F>, beside: Promise<unknown>): Promise<Opening<F>> {
    if (errand.anew) {
      await beside;
      return this.#open(errand);
    }
    const [seen] = await Promise.all([this.#cache.look<Value<F>>(errand.reading), beside]);
    return seen.open<ValueFlight<Value<F>>>(errand);
  }

  /** Errands of one call, in their order. What is stored is read together. */
  async runEach<F extends Family>(errands: readonly Errand<F>[]): Promise<Loaded<Value<F>>[]> {
    const loaded: Loaded<Value<F>>[] = [];
    const later: Promise<void>[] = [];
    const together: number[] = [];
    for (const [at, errand] of errands.entries()) {
      const atHand = this.atHand(errand);
      if (atHand !== null) {
        errand.decided();
        loaded[at] = atHand;
      } else if (errand.peeked && isLike(errand, errands[0] as Errand<F>)) {
        together.push(at);
      } else {
        later.push(this.run(errand).then((one) => void (loaded[at] = one)));
      }
    }
    if (together.length > 0) later.push(this.#runTogether(errands, together, loaded));
    // All at once: whichever fails first, the others' failures have somebody to be told to.
    if (later.length > 0) await Promise.all(later);
    return loaded;
  }

  async #runTogether<F extends Family>(
    errands: readonly Errand<F>[],
    places: readonly number[],
    loaded: Loaded<Value<F>>[],
  ): Promise<void> {
    const opened = await this.#cache.openEach(places.map((at) => errands[at] as Errand<F>));
    const later: Promise<void>[] = [];
    for (const [index, at] of places.entries()) {
      const errand = errands[at] as Errand<F>;
      const its = opened[index] as Opening<F> | Promise<Opening<F>>;
      if (its instanceof Promise || its.kind !== 'hit') {
        later.push(this.run(errand, its).then((one) => void (loaded[at] = one)));
      } else {
        errand.decided();
        loaded[at] = this.#served(errand, its);
      }
    }
    if (later.length > 0) await Promise.all(later);
  }

  lead<F extends Family>(errand: Errand<F>, leadership: Leadership): ValueFlight<Value<F>> {
    return flightOf((abandoned) => this.#load(errand, leadership, errand.previous, abandoned));
  }

  follow<F extends Family>(errand: Errand<F>, token: string): ValueFlight<Value<F>> {
    const { reading } = errand;
    const accept = (hit: Hit<Value<F>>): boolean => errand.suits(hit);
    return flightOf((abandoned) => follow(this.#cache, this.#roles, { reading, token, accept, abandoned }));
  }

  backingOff(key: string): boolean {
    return this.#refreshes.backingOff(key);
  }

  #open<F extends Family>(errand: Errand<F>): Promise<Opening<F>> {
    return this.#cache.open<Value<F>, ValueFlight<Value<F>>>(errand.reading, errand);
  }

  #served<F extends Family>(errand: Errand<F>, { hit, lease }: Opening<F> & { kind: 'hit' }): Loaded<Value<F>> {
    const { ref, refresh, stale } = errand;
    if (refresh === 'backing_off') this.#cache.observer.stale?.(ref.family.id, 'backing_off');
    else if (refresh !== null && lease === null) this.#refresh(errand, hit);
    if (refresh === 'stale') this.#cache.observer.stale?.(ref.family.id, 'refreshing');
    return fromHit(hit, stale === null ? 'hit' : 'stale');
  }

  /** Null: to be opened anew. */
  async #onBoard<F extends Family>(
    errand: Errand<F>,
    opened: Opening<F> & { kind: 'flight' },
  ): Promise<Loaded<Value<F>> | null> {
    const { ref, terms } = errand;
    const stale = opened.refused === null ? null : errand.stale;
    const atMostMs = stale === null ? null : terms.freshness.softTimeoutMs;
    const outcome = await outcomeFor(opened.flight, { signal: terms.options.signal, atMostMs });
    if (outcome.kind === 'late' || outcome.kind === 'error') {
      if (stale === null) throw (outcome as { error: unknown }).error;
      this.#cache.observer.stale?.(ref.family.id, outcome.kind === 'late' ? 'slow' : 'failed');
      return fromHit(stale, 'stale');
    }
    if (outcome.kind === 'again') return null;
    if (outcome.kind === 'found') return errand.suits(outcome.hit) ? fromHit(outcome.hit, 'followed') : null;
    const led = opened.how === 'led';
    const source = led ? 'loaded' : 'joined';
    return { value: outcome.value, source, ageSeconds: 0, hit: null, stored: led ? outcome.stored : null };
  }

  /** Loads anew what somebody has just been served, once at a time, with nobody waiting for it. */
  #refresh<F extends Family>(errand: Errand<F>, served: Hit<Value<F>>): void {
    this.#refreshes.begin(errand.ref.key, async () => {
      const opened = await this.#cache.open<Value<F>, ValueFlight<Value<F>>>(errand.reading, {
        lead: (leadership) => flightOf((abandoned) => this.#load(errand, leadership, served, abandoned)),
        follow: (token) => this.follow(errand, token),
        accept: ({ storedAtMs }) => storedAtMs !== served.storedAtMs,
        peeked: true,
      });
      if (opened.kind === 'flight') await outcomeFor(opened.flight, {});
    });
  }

  async #load<F extends Family>(
    { ref, terms: { loader, options, freshness, ttlSeconds, bound } }: Errand<F>,
    leadership: Leadership,
    previous: Hit<Value<F>> | null,
    abandoned: AbortSignal,
  ): Promise<Outcome<Value<F>>> {
    const { observer, random } = this.#cache;
    const outcome = await runLoad({
      ref,
      ...(loader instanceof LoadBatch ? loader.forOne(ref) : { loader, bound }),
      leadership,
      freshness,
      ttlSeconds,
      random,
      note: options.note,
      previous,
      abandoned,
      ended: (result, seconds) => observer.loaded?.(ref.family.id, result, seconds),
    });
    if (outcome.kind === 'error') this.#refreshes.failed(ref.key, freshness.errorBackoffMs);
    else this.#refreshes.succeeded(ref.key);
    return outcome;
  }
}

/** Whether their entries are under the same versions: they have the same labels already. */
function isLike({ ref }: { readonly ref: KeyRef }, other: { readonly ref: KeyRef }): boolean {
  return ref.family === other.ref.family && ref.tenant === other.ref.tenant;
}

function fromHit<T>(hit: Hit<T>, source: 'hit' | 'stale' | 'followed'): Loaded<T> {
  const ageSeconds = hit.storedAtMs === null ? null : Math.max(0, (hit.readAtMs - hit.storedAtMs) / 1000);
  return { value: hit.value, source, ageSeconds, hit, stored: null };
}
