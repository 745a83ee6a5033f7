import { Inject, Injectable } from '@nestjs/common';
import { Keyv } from 'keyv';
import { Cache } from '../../cache/cache.js';
import { DEFAULT_TENANT } from '../../keyspace/family.js';
import { KeyspaceKeyvAdapter } from './keyspace-keyv-adapter.js';

export interface KeyvStoreOptions {
  /** What `clear()` is bounded to. */
  readonly namespace: string;
  /** @default the tenant `default` */
  readonly tenant?: string;
  /** Milliseconds for values set without a time to live. @default none: kept for 30 days */
  readonly ttlMs?: number;
}

/**
 * Stores for `@nestjs/cache-manager`, on the keyspace's own connections:
 *
 *     CacheModule.registerAsync({
 *       inject: [KeyvStores],
 *       useFactory: (stores: KeyvStores) => ({ stores: [stores.keyv({ namespace: 'catalogue' })], ttl: 60_000 }),
 *     })
 *
 * What cannot be kept or read (Redis away, a value too large) is an `error` event of the Keyv, and counted by the cache's
 * observer; Nest's cache then goes on without it.
 *
 * @since 0.2.0
 */
@Injectable()
export class KeyvStores {
  readonly #cache: Cache;

  constructor(@Inject(Cache) cache: Cache) {
    this.#cache = cache;
  }

  keyv({ namespace, tenant, ttlMs }: KeyvStoreOptions): Keyv {
    return new Keyv({ store: this.adapter(tenant), namespace, ...(ttlMs === undefined ? {} : { ttl: ttlMs }) });
  }

  /** The bare store, for a Keyv of your own. */
  adapter(tenant: string = DEFAULT_TENANT): KeyspaceKeyvAdapter {
    return new KeyspaceKeyvAdapter(this.#cache, tenant);
  }
}
