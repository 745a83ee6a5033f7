/**
 * What each client of a tenant may call, and how often: truth in PostgreSQL, copies in Redis under the names and fields that
 * other systems read. The same rules as for `Configurations`, without secrets.
 */
import { absent, keyspace, parseRate, type CacheAside, type Rate, type ValueOf } from '@promptsales/cache-core';
import { lockName, type Database } from '@promptsales/database';
import { hash } from 'node:crypto';
import { sql, type Kysely, type Selectable } from 'kysely';
import type { Actor, CommittingOutbox, ConfigurationObserver } from '../configuration-options.js';
import type { ClientConfigurationsTable, ConfigurationTables } from '../configuration-tables.js';
import { checkedName } from '../name.js';
import { ABSENT_FOR, warm, type CachedRow } from '../stored/cached-row.js';
import { checkCondition, type Condition } from '../stored/condition.js';

/** As it is stored, sent and shown. */
export type ClientConfiguration = ValueOf<typeof keyspace.configClient>;

/** As a gateway enforces it. */
export interface ClientPermissions {
  readonly tools: readonly string[];
  /** Null: what is stored is no rate, as an older version or another system may have written it. */
  readonly rate: Rate | null;
  readonly maxRequestsPerHour: number;
  /** Only an active client may call at all. */
  readonly active: boolean;
}

export interface ClientConfigurationsParts {
  readonly database: Database;
  readonly aside: CacheAside;
  readonly outbox: CommittingOutbox;
  readonly observer: ConfigurationObserver;
}

const ACTIVE = 'activo';

export class ClientConfigurations {
  readonly #parts: ClientConfigurationsParts;

  constructor(parts: ClientConfigurationsParts) {
    this.#parts = parts;
  }

  /** Where it is read: from Redis, else from PostgreSQL. */
  row(client: string, tenant: string): CachedRow<typeof keyspace.configClient> {
    return {
      ref: keyspace.configClient.at({ client_name: checkedName(client, 'client_name') }, tenant),
      load: async () => {
        const row = await findClient(this.#parts.database.as<ConfigurationTables>(), tenant, client);
        return row === null ? absent : row;
      },
    };
  }

  /** What a client may do; null where nothing is configured for it. For whoever enforces it. */
  async permissions(client: string, tenant: string): Promise<ClientPermissions | null> {
    const { ref, load } = this.row(client, tenant);
    const { value } = await this.#parts.aside.getOrLoad(ref, load, ABSENT_FOR);
    if (value === absent) return null;
    return {
      tools: value.tools_acceso,
      rate: parseRate(value.rate_limit),
      maxRequestsPerHour: value.max_requests_hora,
      active: value.estado === ACTIVE,
    };
  }

  /** @throws ConfigurationError when it cannot be taken; then nothing was changed */
  async save(
    actor: Actor,
    client: string,
    configuration: ClientConfiguration,
    condition: Condition,
  ): Promise<{ readonly created: boolean; readonly configuration: ClientConfiguration }> {
    const { tenant } = actor;
    const row = this.row(client, tenant);
    const created = await this.#parts.outbox.committing<ConfigurationTables, boolean>(async (transaction, outdate) => {
      await lockName(transaction, 'client configuration', tenant, client);
      const before = await findClient(transaction, tenant, client);
      checkCondition(condition, before === null ? null : clientTagOf(before));
      await writeClient(transaction, tenant, client, configuration);
      await outdate({ keys: [row.ref] });
      await actor.note(transaction, {
        action: before === null ? 'client_configuration.create' : 'client_configuration.replace',
        target: `client_configuration:${client}`,
        detail: { before, after: configuration },
      });
      return before === null;
    });
    await warm(this.#parts.aside, row, this.#parts.observer);
    return { created, configuration };
  }
}

export function clientTagOf({ tools_acceso, rate_limit, max_requests_hora, estado }: ClientConfiguration): string {
  const text = JSON.stringify([tools_acceso, rate_limit, max_requests_hora, estado]);
  return `"${hash('sha256', text, 'base64url').slice(0, 22)}"`;
}

type Tables = Kysely<ConfigurationTables>;

async function findClient(db: Tables, tenant: string, client: string): Promise<ClientConfiguration | null> {
  const row = await db
    .selectFrom('client_configurations')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('client_name', '=', client)
    .executeTakeFirst();
  return row === undefined ? null : configurationOf(row);
}

async function writeClient(db: Tables, tenant: string, client: string, what: ClientConfiguration): Promise<void> {
  const written = {
    tools_acceso: JSON.stringify(what.tools_acceso),
    rate_limit: what.rate_limit,
    max_requests_hora: what.max_requests_hora,
    estado: what.estado,
  };
  await db
    .insertInto('client_configurations')
    .values({ tenant, client_name: client, ...written })
    .onConflict((conflict) =>
      conflict.columns(['tenant', 'client_name']).doUpdateSet({ ...written, updated_at: sql<Date>`clock_timestamp()` }),
    )
    .execute();
}

function configurationOf(row: Selectable<ClientConfigurationsTable>): ClientConfiguration {
  const { tools_acceso, rate_limit, max_requests_hora, estado } = row;
  return { tools_acceso: [...tools_acceso], rate_limit, max_requests_hora, estado };
}
