import type { Cache } from '../../cache/cache.js';
import type { FillResult } from '../../cache/observer.js';
import type { Reading } from '../../cache/entry.js';
import { nestValue } from '../../keyspace/families/nest.js';
import { valueReading } from '../../cache/family-value.js';

/** What a namespace's entries are kept for when nobody says how long: in Nest, a TTL of 0 asks for no end. */
const LONGEST_SECONDS = 30 * 86_400;

/** The value could not be kept; what was there before is gone too. */
export class NotKeptError extends Error {
  readonly code = 'not_kept';

  constructor(readonly result: Exclude<FillResult, 'stored'>) {
    super(
      result === 'too_large'
        ? 'The value is larger than the cache takes.'
        : 'Redis cannot be reached: the value was not kept.',
    );
    this.name = 'NotKeptError';
  }
}

export interface KeyspaceRedisSettings {
  readonly tenant: string;
  /** Asked for with each call: Keyv tells the store its namespace after it has made it. */
  readonly namespace: () => string;
}

/**
 * As much of an ioredis client as `cache-manager-ioredis-yet` uses, on top of the cache protocol. What Nest's cache keeps
 * are entries of the family `nest.value`: a deletion is kept and replayed when Redis is away, nothing outside the
 * namespace is ever touched, and hits come from the process's own memory where that is coherent.
 *
 * The store encodes every value once more that Keyv has encoded already. Here that second coat is taken off before a
 * value goes to Redis and put on when it comes back, so that a reader of the key finds the value encoded once.
 */
export class KeyspaceRedis {
  readonly #cache: Cache;
  readonly #settings: KeyspaceRedisSettings;

  constructor(cache: Cache, settings: KeyspaceRedisSettings) {
    this.#cache = cache;
    this.#settings = settings;
  }

  async get(key: string): Promise<string | null> {
    const found = await this.#cache.lookup(this.#reading(key));
    return found.kind === 'hit' ? JSON.stringify(found.hit.value) : null;
  }

  mget(keys: readonly string[]): Promise<(string | null)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  /**
   * @param milliseconds fractions are rounded up: they are an error to Redis
   * @throws NotKeptError when the value was not stored
   * @throws RangeError for a time to live that is no positive number
   */
  async set(key: string, coated: string, _unit?: 'PX', milliseconds?: number): Promise<'OK'> {
    const reading = this.#reading(key);
    const value = Buffer.from(JSON.parse(coated) as string);
    const ttlSeconds = milliseconds === undefined ? LONGEST_SECONDS : Math.ceil(milliseconds) / 1000;
    const result = await this.#cache.put(reading, { stored: [value], ttlSeconds });
    if (result === 'stored') return 'OK';
    await this.#cache.invalidate(reading);
    throw new NotKeptError(result);
  }

  /** How many there were; those of an invalidation that waits for Redis count as there. */
  async del(keys: string | readonly string[]): Promise<number> {
    const deletions = await Promise.all([keys].flat().map((key) => this.#cache.invalidate(this.#reading(key))));
    return deletions.reduce((sum, { deleted }) => sum + (deleted ?? 1), 0);
  }

  /** The namespace, and nothing else, in one step. */
  async flushdb(): Promise<'OK'> {
    await this.#cache.invalidateNamespace(this.#label(), this.#settings.tenant);
    return 'OK';
  }

  #reading(key: string): Reading<string> {
    const { tenant, namespace } = this.#settings;
    const prefix = `${namespace()}:`;
    // Keyv puts its namespace in front of every key; here it is a segment of its own.
    const bare = key.startsWith(prefix) ? key.slice(prefix.length) : key;
    const ref = nestValue.at({ namespace: namespace(), key: bare }, tenant);
    return { ...valueReading(ref), labels: { namespace: this.#label() } };
  }

  /** Apart from the namespaces that callers of other families choose. */
  #label(): string {
    return `nest:${this.#settings.namespace()}`;
  }
}
