import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { absent, type Absent } from './answers.js';
import type { Reading } from './entry.js';
import { valueReading } from './family-value.js';
import { conditionOf, type Freshness } from './freshness.js';
import type { Hit } from './judgement.js';
import type { Leadership } from './leadership.js';
import type { Loader } from './load.js';
import { LoadBatch } from './load-batch.js';
import type { LoadBound } from './load-bound.js';
import type { LoadOptions } from './load-options.js';
import type { Caller } from './opening.js';
import type { ValueFlight } from './value-flight.js';

/** What one call says of all the values of a family that it asks for, understood once. */
export interface Terms<F extends Family> {
  readonly loader: Loader<ValueOf<F>> | LoadBatch<F>;
  readonly options: LoadOptions<ValueOf<F>>;
  readonly freshness: Freshness;
  readonly ttlSeconds: number | ((value: ValueOf<F>) => number);
  readonly bound: Pick<LoadBound, 'run'>;
}

type Value<F extends Family> = ValueOf<F> | Absent;

/** Who carries errands out. */
export interface Carrier {
  readonly random: () => number;
  lead<F extends Family>(errand: Errand<F>, leadership: Leadership): ValueFlight<Value<F>>;
  follow<F extends Family>(errand: Errand<F>, token: string): ValueFlight<Value<F>>;
  /** Whether a load of this key has failed a moment ago. */
  backingOff(key: string): boolean;
}

/** One caller for one value: what serves him, and what he has seen on his way. Every read makes one, and little else. */
export class Errand<F extends Family> implements Caller<Value<F>, ValueFlight<Value<F>>> {
  readonly ref: KeyRef<F>;
  readonly terms: Terms<F>;
  readonly reading: Reading<Value<F>>;
  /** May serve when the load is late or fails. */
  stale: Hit<Value<F>> | null = null;
  /** What a load replaces. */
  previous: Hit<Value<F>> | null = null;
  /** What was found is to be loaded anew behind the caller, who is served with it. */
  refresh: 'early' | 'stale' | 'backing_off' | null = null;
  /** This process's own memory has been asked and has nothing. */
  peeked = false;
  readonly #carrier: Carrier;
  #undecided = true;

  constructor(ref: KeyRef<F>, terms: Terms<F>, carrier: Carrier) {
    const own = valueReading(ref, terms.options.labels);
    this.ref = ref;
    this.terms = terms;
    this.reading = terms.freshness.negativeTtlSeconds === null ? own : { ...own, absence: absent };
    this.#carrier = carrier;
  }

  get anew(): boolean {
    return this.terms.options.anew === true;
  }

  lead(leadership: Leadership): ValueFlight<Value<F>> {
    return this.#carrier.lead(this, leadership);
  }

  follow(token: string): ValueFlight<Value<F>> {
    return this.#carrier.follow(this, token);
  }

  /** Whether the caller is served with this entry now. */
  accept(hit: Hit<Value<F>>): boolean {
    // L1's entry first, then that of Redis: the last one counts.
    this.forget();
    this.previous = hit.storedAtMs === null ? null : hit;
    if (!this.#wants(hit)) return false;
    const condition = this.#conditionOf(hit);
    if (condition === 'dead') return false;
    if (condition === 'fresh') return true;
    if (condition === 'early') {
      this.refresh = 'early';
      return true;
    }
    this.stale = hit;
    this.refresh = this.#carrier.backingOff(this.ref.key) ? 'backing_off' : 'stale';
    return this.refresh === 'backing_off' || this.terms.freshness.softTimeoutMs === 0;
  }

  /** Whether nothing has to be done but to serve it. */
  suitsAtOnce(hit: Hit<Value<F>>): boolean {
    return this.#conditionOf(hit) === 'fresh' && this.#wants(hit);
  }

  /** Whether a follower, who has waited for it, takes this entry. */
  suits(hit: Hit<Value<F>>): boolean {
    return (hit.freshUntilMs === null || hit.readAtMs < hit.freshUntilMs) && this.#wants(hit);
  }

  /** What was seen on the way counts no more. */
  forget(): void {
    this.stale = null;
    this.previous = null;
    this.refresh = null;
  }

  /** It is known whether this caller loads, joins a load, or has his value. */
  decided(): void {
    if (!this.#undecided) return;
    this.#undecided = false;
    if (this.terms.loader instanceof LoadBatch) this.terms.loader.decided();
  }

  #conditionOf(hit: Hit<Value<F>>): ReturnType<typeof conditionOf> {
    return conditionOf(hit, this.terms.freshness, this.#carrier.random);
  }

  #wants(hit: Hit<Value<F>>): boolean {
    return this.terms.options.accept?.(hit as Hit<ValueOf<F>>) ?? true;
  }
}
