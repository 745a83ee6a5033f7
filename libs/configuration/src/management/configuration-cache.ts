import {
  encodeValue,
  FamilyGlob,
  keyspace,
  RedisUnavailableError,
  valueReading,
  type Cache,
  type InvalidationOperations,
  type RedisRoles,
} from '@promptsales/cache-core';
import { randomUUID } from 'node:crypto';
import { configurationRef } from '../stored/configuration-copy.js';
import { namesIn, type FamilyNames } from './family-names.js';

export interface ConnectionTest {
  readonly success: boolean;
  readonly connected: boolean;
  /** From here to Redis and back, with a value written and read again. */
  readonly latencyMs: number | null;
  readonly timestamp: string;
  readonly error: string | null;
}

export type Cleared =
  | { readonly kind: 'done' }
  /** It goes on: `operations` say how far it has come. None: Redis is away, and it is kept until it is back. */
  | { readonly kind: 'accepted'; readonly operations: readonly string[] };

const NAMES = 'config:*';
/** What `clear` reaches, and nothing else. */
const CLEARED = [NAMES, 'config:api:*', 'config:client:*', 'github_repos:*', 'test:connection'] as const;
const WAIT_MS = 1000;

/** The copies of configurations in Redis, as the portal manages them. PostgreSQL is never touched here. */
export class ConfigurationCache {
  readonly #cache: Cache;
  readonly #roles: RedisRoles;
  readonly #operations: InvalidationOperations;

  constructor(cache: Cache, roles: RedisRoles, operations: InvalidationOperations) {
    this.#cache = cache;
    this.#roles = roles;
    this.#operations = operations;
  }

  /** How long a copy lives. */
  get ttlSeconds(): number {
    return this.#cache.ttlSeconds({ ref: configurationRef('x', 'default') });
  }

  /** Writes what it finds to `test:connection`, which others may read there, and reads it back. */
  async test(tenant: string): Promise<ConnectionTest> {
    const ref = keyspace.testConnection.at({}, tenant);
    const timestamp = new Date().toISOString();
    const mark = randomUUID();
    const began = performance.now();
    const stored = encodeValue(keyspace.testConnection, { success: true, timestamp, mark });
    const result = await this.#cache.put({ ref }, { stored });
    const found = result === 'stored' ? await this.#cache.lookup(valueReading(ref)) : null;
    const latencyMs = Math.round((performance.now() - began) * 1000) / 1000;
    if (found?.kind === 'hit' && Reflect.get(found.hit.value as object, 'mark') === mark) {
      return { success: true, connected: true, latencyMs, timestamp, error: null };
    }
    const connected = this.#roles.link(ref.family.role).up;
    const error = connected ? 'What was written could not be read back.' : 'Redis cannot be reached.';
    return { success: false, connected, latencyMs: null, timestamp, error };
  }

  /** Null: Redis cannot be asked. */
  async names(tenant: string): Promise<FamilyNames | null> {
    try {
      return await namesIn(NAMES, tenant, this.#roles, this.#cache.keyPrefix);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      return null;
    }
  }

  /** One configuration's copy. */
  async drop(key: string, tenant: string): Promise<Cleared> {
    const { pending } = await this.#cache.invalidate({ ref: configurationRef(key, tenant) });
    return pending ? { kind: 'accepted', operations: [] } : { kind: 'done' };
  }

  /**
   * All copies of the tenant: the three families of configurations, lists of repositories, the connection test.
   * @throws TooManyOperationsError
   */
  async clear(tenant: string): Promise<Cleared> {
    const begun = [];
    for (const pattern of CLEARED) begun.push(await this.#operations.begin(FamilyGlob.parse(pattern, tenant)));
    const operations = begun.flatMap((one) => (one.kind === 'operation' ? [one] : []));
    const whole = operations.length === begun.length && !operations.some(({ waiting }) => waiting);
    if (whole && (await endedInTime(operations.map(({ ended }) => ended)))) return { kind: 'done' };
    return { kind: 'accepted', operations: operations.map(({ id }) => id) };
  }
}

async function endedInTime(ends: readonly Promise<{ readonly state: string }>[]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), WAIT_MS);
  });
  try {
    const all = Promise.all(ends).then((each) => each.every(({ state }) => state === 'done'));
    return await Promise.race([all, late]);
  } finally {
    clearTimeout(timer);
  }
}
