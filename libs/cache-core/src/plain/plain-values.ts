/**
 * Values of families that are no cache: counters, sessions, watermarks, queues. Nothing lies beside their keys, so what
 * is there is the value, whoever wrote it. Entries of the cache are read and written by `Cache`.
 */
import { decode } from '../codec/codec.js';
import { decodeValue, encodeValue } from '../cache/family-value.js';
import { checkedTtl } from '../cache/storing.js';
import { DEFAULT_CACHE, type CacheSettings } from '../cache/settings.js';
import { readCollection, sizeOf, storedTypeOf, writeArguments, type Stored } from '../cache/stored.js';
import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import { placedKey } from '../keyspace/placed-key.js';
import type { RedisLink } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import { loadScript } from '../redis/script.js';

const WRITE = loadScript(new URL('./lua/write-plain.lua', import.meta.url));
const REMOVE = loadScript(new URL('./lua/remove-plain.lua', import.meta.url));

export type PlainRead<T> =
  /** `ttlMs` null: it stays. */
  | { readonly kind: 'value'; readonly value: T; readonly ttlMs: number | null }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wrong_type'; readonly type: string }
  /** `why` never holds what lies there. */
  | { readonly kind: 'unreadable'; readonly why: string };

export type PlainSettings = Pick<CacheSettings, 'keyPrefix' | 'maxValueBytes' | 'keyring'>;

export class PlainValues {
  readonly #roles: RedisRoles;
  readonly #settings: PlainSettings;

  constructor(roles: RedisRoles, settings: Partial<PlainSettings> = {}) {
    this.#roles = roles;
    this.#settings = Object.freeze({ ...DEFAULT_CACHE, ...settings });
  }

  /** @throws RedisUnavailableError; nothing that lies there makes it throw */
  async read<F extends Family>(ref: KeyRef<F>): Promise<PlainRead<ValueOf<F>>> {
    const { family } = ref;
    const { link, physical } = this.#placeOf(ref);
    const type = await link.readAt(physical, (client) => client.type(physical));
    if (type === 'none') return { kind: 'nothing' };
    if (type !== family.redisType) return { kind: 'wrong_type', type };
    const [stored, ttlMs] = await Promise.all([
      readStored(family, physical, link),
      link.readAt(physical, (client) => client.pttl(physical)),
    ]);
    // It went in between.
    if (stored === null || ttlMs === -2) return { kind: 'nothing' };
    try {
      return { kind: 'value', value: this.#decoded(family, physical, stored), ttlMs: ttlMs < 0 ? null : ttlMs };
    } catch (error) {
      return { kind: 'unreadable', why: error instanceof KeyspaceError ? error.message : 'it cannot be decoded' };
    }
  }

  /**
   * Takes the place of whatever lies there, of any type.
   * @param ttlSeconds null: it stays
   * @throws KeyspaceError `value_shape` for what is no value of the family, or is larger than a value may be
   * @throws RangeError for a time to live that no key can have
   * @throws RedisUnavailableError; with `timeout` or `lost` it is unknown whether it was written
   */
  async write<F extends Family>(ref: KeyRef<F>, value: ValueOf<F>, ttlSeconds: number | null): Promise<void> {
    const { family } = ref;
    const stored = encodeValue(family, value);
    if (stored.length === 0) {
      throw new KeyspaceError('value_shape', `${family.id}: Redis keeps no empty ${family.redisType}; delete the key`);
    }
    if (sizeOf(stored) > this.#settings.maxValueBytes) {
      throw new KeyspaceError(
        'value_shape',
        `${family.id}: the value is larger than ${this.#settings.maxValueBytes} B`,
      );
    }
    const ttl = ttlSeconds === null ? '' : Math.ceil(checkedTtl(family, ttlSeconds) * 1000);
    const args = [ttl, ...writeArguments(storedTypeOf(family), stored)];
    const { link, physical } = this.#placeOf(ref);
    await link.run(WRITE, [physical], args);
  }

  /**
   * Whether something was there.
   * @throws RedisUnavailableError; with `timeout` or `lost` it is unknown whether it was removed
   */
  async remove(ref: KeyRef): Promise<boolean> {
    const { link, physical } = this.#placeOf(ref);
    return (await link.run(REMOVE, [physical], [])) === 1;
  }

  #placeOf(ref: KeyRef): { readonly link: RedisLink; readonly physical: string } {
    const link = this.#roles.link(ref.family.role);
    return { link, physical: placedKey(this.#settings.keyPrefix, ref, link.clustered) };
  }

  #decoded<F extends Family>(family: F, physical: string, stored: Stored): ValueOf<F> {
    if (storedTypeOf(family) !== 'string') return decodeValue(family, stored);
    const { maxValueBytes, keyring } = this.#settings;
    const how = { maxBytes: maxValueBytes, aad: physical, ...(keyring === undefined ? {} : { keyring }) };
    return decodeValue(family, [decode(stored[0] as Buffer, how)]);
  }
}

/** Null: nothing there. A key that becomes one of another type in between reads as nothing too. */
async function readStored(family: Family, physical: string, link: RedisLink): Promise<Stored | null> {
  const type = storedTypeOf(family);
  if (type === 'string') {
    const [bytes] = await link.readStrings([physical]);
    return bytes ? [bytes] : null;
  }
  const stored = await link.readAt(physical, (client) => readCollection(client, type, physical));
  return stored.length === 0 ? null : stored;
}
