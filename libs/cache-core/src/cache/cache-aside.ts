import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import type { RedisRoles } from '../redis/roles.js';
import type { Absent, Unchanged } from './answers.js';
import type { Cache } from './cache.js';
import { Errands } from './errands.js';
import { decoderOf } from './family-value.js';
import type { FreshnessOptions } from './freshness.js';
import type { Hit } from './judgement.js';
import type { Loader } from './load.js';
import { LoadBatch, type LoadMany } from './load-batch.js';
import type { Loaded, LoadOptions } from './load-options.js';

/**
 * Cache-aside for values that are loaded whole: `getOrLoad`.
 *
 * A caller gets a stored value, the result of a load of its own, or that of a load which somebody in this or another
 * process has under way. Fresh values are served as they are. A stale one is served at once while one process loads it
 * anew (or when that takes longer than `softTimeoutMs`, or fails), and never past its grace.
 *
 * A loader's error is given to all who wait for that load in this process and have nothing stale; it is not stored. The
 * waiters of another process try once more, one of them at a time.
 */
export class CacheAside {
  readonly #cache: Cache;
  readonly #errands: Errands;

  constructor(cache: Cache, roles: RedisRoles) {
    this.#cache = cache;
    this.#errands = new Errands(cache, roles);
  }

  /**
   * The value, if this process has it in its own memory and it is fresh, with no promise in between. It is shared with
   * every other reader and must not be changed; outside production it is frozen.
   */
  warm<F extends Family>(ref: KeyRef<F>): Hit<ValueOf<F>> | undefined {
    return this.#cache.peekFresh(ref, decoderOf(ref.family));
  }

  /**
   * @throws whatever the loader throws, unchanged
   * @throws LoadTimeoutError, LoadsExhaustedError
   * @throws RangeError for a time to live, or another option, that cannot be
   * @throws KeyspaceError `value_shape` when the loader gives what is no value of the family; `labels` for a namespace or
   *   tags that no entry can have
   */
  async getOrLoad<F extends Family, R extends ValueOf<F> | Absent | Unchanged>(
    ref: KeyRef<F>,
    loader: Loader<ValueOf<F>, R>,
    options: LoadOptions<ValueOf<F>> = NO_OPTIONS,
  ): Promise<Loaded<ValueOf<F> | Extract<R, Absent>>> {
    const errand = this.#errands.errand(ref, this.#errands.terms(ref, loader, options));
    const { beside } = options;
    const loaded =
      beside === undefined
        ? (this.#errands.atHand(errand) ?? (await this.#errands.run(errand)))
        : await this.#errands.run(errand, this.#errands.openBeside(errand, beside));
    return loaded as Loaded<ValueOf<F> | Extract<R, Absent>>;
  }

  /**
   * Many values of one family: what is stored is read together, and what this call has to load is loaded together, by one
   * call of `loadMany` where nobody else loads it. Results stand in the order of `refs`; a ref that is named twice is
   * asked for once.
   * @throws as `getOrLoad` does, for the first that fails; what others have loaded is stored all the same
   * @throws KeyspaceError `value_shape` also when `loadMany` does not answer with one value for each ref
   */
  async getMany<F extends Family, R extends ValueOf<F> | Absent>(
    refs: readonly KeyRef<F>[],
    loadMany: LoadMany<F, R>,
    options: LoadOptions<ValueOf<F>> = NO_OPTIONS,
  ): Promise<Loaded<ValueOf<F> | Extract<R, Absent>>[]> {
    const [first] = refs;
    if (first === undefined) return [];
    const places = new Map<string, number>();
    const wanted: KeyRef<F>[] = [];
    for (const ref of refs) {
      if (places.has(ref.key)) continue;
      places.set(ref.key, wanted.length);
      wanted.push(ref);
    }
    const batch = new LoadBatch<F>(loadMany, wanted.length, this.#cache.policies.of(first.family).bound);
    const terms = this.#errands.terms(first, batch, options);
    const loaded = await this.#errands.runEach(wanted.map((ref) => this.#errands.errand(ref, terms)));
    const all = wanted.length === refs.length ? loaded : refs.map(({ key }) => loaded[places.get(key) as number]);
    return all as Loaded<ValueOf<F> | Extract<R, Absent>>[];
  }
}

const NO_OPTIONS: FreshnessOptions = Object.freeze({});
