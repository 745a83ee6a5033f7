import type { Redis } from 'ioredis';
import { KeyvAdapter, type CacheManagerStore } from 'cache-manager';
import { redisInsStore } from 'cache-manager-ioredis-yet';
import type { Cache } from '../../cache/cache.js';
import { KeyspaceRedis } from './keyspace-redis.js';

const DEFAULT_NAMESPACE = 'default';

/**
 * A Keyv store: cache-manager's adapter around `cache-manager-ioredis-yet`, whose Redis is the keyspace (see
 * `KeyspaceRedis`). What these two get wrong is put right here and there:
 *
 * | as they come                                            | here                                            |
 * | ------------------------------------------------------- | ----------------------------------------------- |
 * | `clear()` is FLUSHDB                                     | it ends the namespace, and nothing else          |
 * | a fractional TTL is refused by Redis, nothing is stored  | it is rounded up to a millisecond                |
 * | no TTL and `ttl: 0` mean the store's default, or for ever | 30 days                                         |
 * | every value is encoded twice                             | once                                            |
 * | `null` and `undefined` cannot be stored                  | they are values                                 |
 * | `delete` says true for what was not there                | false                                           |
 */
export class KeyspaceKeyvAdapter extends KeyvAdapter {
  readonly #redis: KeyspaceRedis;

  constructor(cache: Cache, tenant: string) {
    let namespaceNow = (): string => DEFAULT_NAMESPACE;
    const redis = new KeyspaceRedis(cache, { tenant, namespace: () => namespaceNow() });
    // It calls what KeyspaceRedis has, and nothing else of a client.
    super(redisInsStore(redis as unknown as Redis, { isCacheable: () => true }) as unknown as CacheManagerStore);
    namespaceNow = () => this.namespace ?? DEFAULT_NAMESPACE;
    this.opts = {};
    this.#redis = redis;
  }

  override async delete(key: string): Promise<boolean> {
    return (await this.#redis.del(key)) > 0;
  }

  override async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#redis.del(keys)) > 0;
  }
}
