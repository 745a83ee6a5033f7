import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import type { RedisRoles } from '../redis/roles.js';
import type { Absent, Unchanged } from './answers.js';
import type { Cache } from './cache.js';
import { Errands } from './errands.js';
import { valueReading } from './family-value.js';
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
    return this.#cache.peek(valueReading(ref), isFresh);
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
    options: LoadOptions<ValueOf<F>> = {},
  ): Promise<Loaded<ValueOf<F> | Extract<R, Absent>>> {
    const errand = this.#errands.understand(ref, loader, options);
    // Most calls end here: what all the rest needs is not made for them.
    const loaded = this.#errands.atHand(errand) ?? (await this.#errands.run(errand));
    return loaded as Loaded<ValueOf<F> | Extract<R, Absent>>;
  }

  /**
   * Many values of one family: what is stored is read together, and what this call has to load is loaded together, by one
   * call of `loadMany` where nobody else loads it. Results stand in the order of `refs`; a ref that is named twice is
   * asked for once.
   * @throws as `getOrLoad` does, for the first that fails; what others have loaded is stored all the same
   * @throws KeyspaceError `value_shape` also when `loadMany` does not answer with one value for each ref
   */
  getMany<F extends Family, R extends ValueOf<F> | Absent>(
    refs: readonly KeyRef<F>[],
    loadMany: LoadMany<F, R>,
    options: LoadOptions<ValueOf<F>> = {},
  ): Promise<Loaded<ValueOf<F> | Extract<R, Absent>>[]> {
    const byKey = new Map(refs.map((ref) => [ref.key, ref]));
    const [first] = refs;
    if (first === undefined) return Promise.resolve([]);
    const batch = new LoadBatch<F>(loadMany, byKey.size, this.#cache.policies.of(first.family).bound);
    const loading = new Map<string, Promise<Loaded<ValueOf<F> | Absent>>>();
    for (const [key, ref] of byKey) {
      const errand = this.#errands.understand(ref, batch.loaderOf(ref), options);
      loading.set(key, this.#errands.run(batch.partOf(errand)));
    }
    const all = refs.map(({ key }) => loading.get(key) as Promise<Loaded<ValueOf<F> | Extract<R, Absent>>>);
    return Promise.all(all);
  }
}

function isFresh({ freshUntilMs, readAtMs }: Hit<unknown>): boolean {
  return freshUntilMs === null || readAtMs < freshUntilMs;
}
