/**
 * Providers and systems' configurations: truth in PostgreSQL, copies in Redis.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A secret is encrypted before it leaves the process, in PostgreSQL as in Redis, and no answer holds one.
 * 2. A change, what it makes outdated and its line in the audit log are committed together, or none of them is.
 * 3. When a write is acknowledged, its copies were invalidated after the commit. What comes to Redis later was loaded later:
 *    so the copy is never older than the last acknowledged write, in whatever order writers reach Redis.
 * 4. Two writers of one name come one after the other; one who said what he supposes (`If-Match`) is refused when it is not so.
 * 5. Without Redis, reads and writes go to PostgreSQL; without PostgreSQL, what is in Redis is still read.
 */
import {
  absent,
  DEFAULT_TENANT,
  type Absent,
  type Cache,
  type CacheAside,
  type keyspace,
  type ValueOf,
} from '@promptsales/cache-core';
import { lockName, type Database } from '@promptsales/database';
import type { Kysely, Transaction } from 'kysely';
import { ConfigurationError, refuse } from '../configuration-error.js';
import type { Actor, CommittingOutbox, ConfigurationObserver, SystemCheck } from '../configuration-options.js';
import type { ConfigurationTables, ConfigurationType } from '../configuration-tables.js';
import type { JsonObject } from '../json.js';
import { checkedName } from '../name.js';
import { publishedProvider, publishedRef } from '../providers/published-provider.js';
import { checkProvider } from '../providers/provider-fields.js';
import { masked, openAll, sealAll, type OpenedObject } from '../secrets/opened.js';
import { restoreMasks } from '../secrets/restore.js';
import type { Seal } from '../secrets/seal.js';
import { warm, type CachedRow } from './cached-row.js';
import { checkCondition, type Condition } from './condition.js';
import { configurationRef, copyOf, isCopy, OWN_MEMBER, type ConfigurationCopy } from './configuration-copy.js';
import { deleteRow, findRow, listRows, tagOf, writeRow, type ConfigurationRow } from './configuration-rows.js';

export interface ConfigurationsParts {
  readonly database: Database;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly outbox: CommittingOutbox;
  readonly seal: Seal;
  readonly sharedProviders: readonly string[];
  readonly systems: Readonly<Record<string, SystemCheck>>;
  readonly observer: ConfigurationObserver;
}

/** A configuration as callers are shown it. */
export interface ShownConfiguration {
  readonly key: string;
  readonly type: ConfigurationType;
  /** Its secrets masked. */
  readonly value: JsonObject;
  readonly updatedAt: string;
  readonly tag: string;
}

export interface Saved {
  readonly created: boolean;
  readonly configuration: ShownConfiguration;
}

/** As JSON text. Redis readers take it whole. */
const MOST_BYTES = 256 * 1024;

export class Configurations {
  readonly #parts: ConfigurationsParts;
  readonly #shared: ReadonlySet<string>;
  readonly #systems: ReadonlyMap<string, SystemCheck>;

  constructor(parts: ConfigurationsParts) {
    this.#parts = parts;
    this.#shared = new Set(parts.sharedProviders);
    this.#systems = new Map(Object.entries(parts.systems));
  }

  /** Where it is read: from Redis, else from PostgreSQL. */
  row(key: string, tenant: string): CachedRow<typeof keyspace.configKey> {
    return {
      ref: configurationRef(checkedName(key, 'key'), tenant),
      load: async () => {
        const row = await findRow(this.#db, tenant, key);
        return row === null ? absent : copyOf(row);
      },
      usable: isCopy,
    };
  }

  /** Sees to it that what applications read of a provider (`config:api:{provider}`) is in Redis. Never rejects. */
  publish(provider: string, tenant: string): Promise<void> {
    const { aside, observer } = this.#parts;
    const load = async (): Promise<ValueOf<typeof keyspace.configApi> | Absent> => {
      const row = await findRow(this.#db, tenant, provider);
      return row?.type === 'provider' ? publishedProvider(this.#opened(row), row.updatedAt) : absent;
    };
    return warm(aside, { ref: publishedRef(provider, tenant), load }, observer);
  }

  shown(copy: ConfigurationCopy, key: string, tenant: string): ShownConfiguration {
    const { type, updatedAt } = copy;
    return { key, type, updatedAt, tag: tagOf(copy), value: masked(this.#opened({ ...copy, key, tenant })) };
  }

  /** By name. */
  async list(page: {
    readonly tenant: string;
    readonly type: ConfigurationType;
    readonly after: string | null;
    readonly limit: number;
  }): Promise<ShownConfiguration[]> {
    const rows = await listRows(this.#db, page);
    return rows.map((row) => this.shown(row, row.key, row.tenant));
  }

  /**
   * Stores a configuration in place of what was there; masks in it stand for the secrets that are stored.
   * @throws ConfigurationError when it cannot be taken; then nothing was changed
   */
  async save(
    actor: Actor,
    what: { readonly key: string; readonly type: ConfigurationType; readonly value: JsonObject },
    condition: Condition,
  ): Promise<Saved> {
    const { key, type, value } = what;
    const { tenant } = actor;
    checkWhole(value);
    const saved = await this.#changing(actor, key, async (transaction, before) => {
      if (before !== null && before.type !== type) throw otherType(before);
      checkCondition(condition, before === null ? null : tagOf(before));
      const plain = restoreMasks(value, before === null ? null : this.#opened(before));
      if (type === 'provider') checkProvider(plain);
      this.#checkSystem(key, type, plain);
      const sealed = sealAll(plain, configurationRef(key, tenant).key, this.#parts.seal);
      const row = await writeRow(transaction, { tenant, key, type, value: sealed, byAdministrator: actor.admin });
      await actor.note(transaction, {
        action: before === null ? 'configuration.create' : 'configuration.replace',
        target: `configuration:${key}`,
        detail: { type, members: Object.keys(sealed).slice(0, 50) },
      });
      return { created: before === null, configuration: this.shown(row, key, tenant) };
    });
    await this.#warm(key, tenant, type);
    return saved;
  }

  /**
   * @param type null: whichever it is; the answer says which it was
   * @throws ConfigurationError `not_found` where there is none of this type
   */
  remove(actor: Actor, key: string, type: ConfigurationType | null, condition: Condition): Promise<ConfigurationType> {
    return this.#changing(actor, key, async (transaction, before) => {
      if (before === null || (type !== null && before.type !== type)) throw notThere(key, type);
      checkCondition(condition, tagOf(before));
      await deleteRow(transaction, actor.tenant, key);
      const act = { action: 'configuration.delete', target: `configuration:${key}`, detail: { type: before.type } };
      await actor.note(transaction, act);
      return before.type;
    });
  }

  /**
   * Drops the copies in Redis and makes them anew.
   * @throws ConfigurationError `not_found`
   */
  async refresh(provider: string, tenant: string): Promise<ShownConfiguration> {
    const row = await findRow(this.#db, tenant, checkedName(provider, 'provider'));
    if (row?.type !== 'provider') throw notThere(provider, 'provider');
    const refs = [configurationRef(provider, tenant), publishedRef(provider, tenant)];
    await Promise.all(refs.map((ref) => this.#parts.cache.invalidate({ ref })));
    await this.#warm(provider, tenant, 'provider');
    return this.shown(row, provider, tenant);
  }

  /** Runs `work` with the name locked, and commits with it that the copies are outdated. */
  #changing<T>(
    { tenant, admin }: Actor,
    key: string,
    work: (transaction: Transaction<ConfigurationTables>, before: ConfigurationRow | null) => Promise<T>,
  ): Promise<T> {
    return this.#parts.outbox.committing<ConfigurationTables, T>(async (transaction, outdate) => {
      await lockName(transaction, 'configuration', tenant, checkedName(key, 'key'));
      const before = await findRow(transaction, tenant, key);
      if (!admin && before?.byAdministrator === true && this.#servesAll(before)) throw forAdministrators(key);
      const done = await work(transaction, before);
      await outdate({ keys: [configurationRef(key, tenant), publishedRef(key, tenant)] });
      return done;
    });
  }

  /** @throws ConfigurationError `configuration_invalid` for what the part of the platform that reads it could not use */
  #checkSystem(key: string, type: ConfigurationType, value: JsonObject): void {
    const check = this.#systems.get(key);
    if (check === undefined) return;
    if (type !== 'system') {
      refuse('configuration_invalid', [{ path: 'type', message: `must be "system": that is what ${key} configures` }]);
    }
    refuse('configuration_invalid', check(value));
  }

  #servesAll({ tenant, key, type }: ConfigurationRow): boolean {
    return type === 'provider' && tenant === DEFAULT_TENANT && this.#shared.has(key);
  }

  async #warm(key: string, tenant: string, type: ConfigurationType): Promise<void> {
    const { aside, observer } = this.#parts;
    await Promise.all([
      warm(aside, this.row(key, tenant), observer),
      ...(type === 'provider' ? [this.publish(key, tenant)] : []),
    ]);
  }

  #opened({ key, tenant, value }: Pick<ConfigurationRow, 'key' | 'tenant' | 'value'>): OpenedObject {
    return openAll(value, configurationRef(key, tenant).key, this.#parts.seal);
  }

  get #db(): Kysely<ConfigurationTables> {
    return this.#parts.database.as<ConfigurationTables>();
  }
}

function checkWhole(value: JsonObject): void {
  if (Object.hasOwn(value, OWN_MEMBER)) {
    refuse('configuration_invalid', [{ path: OWN_MEMBER, message: 'is a name of the platform’s own' }]);
  }
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MOST_BYTES) return;
  throw new ConfigurationError(
    'configuration_invalid',
    `The configuration has ${bytes} bytes as JSON; ${MOST_BYTES} are the most.`,
  );
}

function otherType({ key, type }: ConfigurationRow): ConfigurationError {
  return new ConfigurationError('conflict', `A configuration of type ${type} is called ${key} already.`);
}

/** @param type null: of whichever type */
export function notThere(key: string, type: ConfigurationType | null): ConfigurationError {
  const what = type === null ? 'configuration' : `configuration of type ${type}`;
  return new ConfigurationError('not_found', `No ${what} is called ${key}.`);
}

function forAdministrators(key: string): ConfigurationError {
  return new ConfigurationError(
    'forbidden',
    `${key} was stored by an administrator and serves all tenants: changing it wants the scope admin.`,
  );
}
