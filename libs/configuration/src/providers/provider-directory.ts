/**
 * The providers that are stored, at hand in every process without asking anybody.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. What was committed is in force in every process at most `EVERY_MS` and one query later; in the process that was asked to
 *    `refresh`, when that returns.
 * 2. A tenant sees its own providers, and of the tenant `default` those that an administrator stored. Its own come first.
 * 3. While the database is away, what was last known goes on serving.
 */
import { DEFAULT_TENANT } from '@promptsales/cache-core';
import { ChangeWatch, type Database } from '@promptsales/database';
import type { Kysely } from 'kysely';
import type { ConfigurationObserver } from '../configuration-options.js';
import type { ConfigurationTables } from '../configuration-tables.js';
import { openAll, revealed } from '../secrets/opened.js';
import type { Seal } from '../secrets/seal.js';
import { configurationRef } from '../stored/configuration-copy.js';
import { rowOf, type ConfigurationRow } from '../stored/configuration-rows.js';
import { providerFields, type ProviderFields, type ProviderProtocol } from './provider-fields.js';

/** A provider that is stored. Holds its credential: not to be shown. */
export interface StoredProvider extends ProviderFields {
  readonly name: string;
}

export interface ProviderDirectoryParts {
  readonly database: Database;
  readonly seal: Seal;
  readonly observer: ConfigurationObserver;
}

const EVERY_MS = 500;

interface Clock {
  readonly revision: string;
  readonly epoch: string;
}

interface Known extends StoredProvider {
  readonly forAll: boolean;
}

/** What serves a tenant, so that a look is a look into a map: every question to a model takes two or three. */
interface Serving {
  readonly byName: ReadonlyMap<string, Known>;
  /** With an address; of each protocol the first of those that list the model, by name. */
  readonly byModel: Readonly<Record<ProviderProtocol, ReadonlyMap<string, Known>>>;
}

export class ProviderDirectory {
  readonly #parts: ProviderDirectoryParts;
  readonly #watch: ChangeWatch;
  #byTenant: ReadonlyMap<string, Serving> = new Map();
  /** Of the tenant `default`, what serves all others too. */
  #forAll: Serving = servingOf([]);
  #clock: Clock | null = null;

  constructor(parts: ProviderDirectoryParts) {
    this.#parts = parts;
    this.#watch = new ChangeWatch({
      look: () => this.#catchUp(),
      everyMs: EVERY_MS,
      failed: (error) => parts.observer.watchFailed?.(error),
    });
  }

  /** A first look, then one every `EVERY_MS`. Throws when the database still does not answer after some attempts. */
  async start(): Promise<this> {
    await this.#watch.start();
    return this;
  }

  stop(): void {
    this.#watch.stop();
  }

  /** The provider of this name that serves the tenant. */
  find(tenant: string, name: string): StoredProvider | null {
    return this.#byTenant.get(tenant)?.byName.get(name) ?? this.#forAll.byName.get(name) ?? null;
  }

  /** A provider that serves the tenant, has an address, speaks the protocol and lists this model. */
  offering(tenant: string, model: string, protocol: ProviderProtocol): StoredProvider | null {
    const own = this.#byTenant.get(tenant)?.byModel[protocol].get(model);
    return own ?? this.#forAll.byModel[protocol].get(model) ?? null;
  }

  /** All that serve the tenant, by name. */
  serving(tenant: string): readonly StoredProvider[] {
    const own = this.#byTenant.get(tenant)?.byName ?? new Map<string, StoredProvider>();
    return [...new Map([...this.#forAll.byName, ...own]).values()].toSorted((one, other) =>
      one.name < other.name ? -1 : 1,
    );
  }

  /** A look that begins after this call: what was committed before is then in force here. Never rejects. */
  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  async #catchUp(): Promise<void> {
    const db = this.#parts.database.control<ConfigurationTables>();
    const clock = await db.selectFrom('configuration_clock').select(['revision', 'epoch']).executeTakeFirstOrThrow();
    const known = this.#clock;
    if (known?.revision === clock.revision && known.epoch === clock.epoch) return;
    // A row that is gone does not say so; a clock that runs backwards is another database.
    const anew = known === null || known.epoch !== clock.epoch || BigInt(clock.revision) < BigInt(known.revision);
    const changed = await providersAfter(db, anew ? '-1' : known.revision);
    this.#apply(changed, anew);
    this.#clock = clock;
  }

  #apply(changed: readonly ConfigurationRow[], anew: boolean): void {
    const all = new Map(anew ? [] : this.#byTenant);
    for (const [tenant, rows] of Map.groupBy(changed, (row) => row.tenant)) {
      const providers = new Map(all.get(tenant)?.byName);
      for (const row of rows) providers.set(row.key, this.#known(row));
      all.set(tenant, servingOf(providers.values()));
    }
    this.#byTenant = all;
    const ofDefault = [...(all.get(DEFAULT_TENANT)?.byName.values() ?? [])];
    this.#forAll = servingOf(ofDefault.filter(({ forAll }) => forAll));
  }

  #known(row: ConfigurationRow): Known {
    const opened = openAll(row.value, configurationRef(row.key, row.tenant).key, this.#parts.seal);
    const plain = revealed(opened, () => this.#parts.observer.unreadableCredential?.(row.key));
    return { name: row.key, forAll: row.byAdministrator, ...providerFields(plain) };
  }
}

function servingOf(providers: Iterable<Known>): Serving {
  const inOrder = [...providers].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const byModel = { openai: new Map<string, Known>(), anthropic: new Map<string, Known>() };
  for (const provider of inOrder) {
    if (provider.baseUrl === null) continue;
    const spoken = byModel[provider.protocol ?? (provider.name === 'anthropic' ? 'anthropic' : 'openai')];
    for (const model of provider.models) if (!spoken.has(model)) spoken.set(model, provider);
  }
  return { byName: new Map(inOrder.map((provider) => [provider.name, provider])), byModel };
}

async function providersAfter(db: Kysely<ConfigurationTables>, revision: string): Promise<ConfigurationRow[]> {
  const rows = await db
    .selectFrom('configurations')
    .selectAll()
    .where('type', '=', 'provider')
    .where('revision', '>', revision)
    .execute();
  return rows.map(rowOf);
}
