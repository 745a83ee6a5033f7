import { DEFAULT_TENANT } from '@promptsales/cache-core';
import { sql, type ColumnType, type Generated, type Kysely, type Selectable } from 'kysely';
import type { ServerSettings } from './stored-server.js';

export interface ServersTable {
  tenant: string;
  name: string;
  /** Written as JSON text. */
  settings: ColumnType<ServerSettings, string, string>;
  /** Encrypted. */
  secrets: string;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  revision: Generated<string>;
}

export interface ServerTables {
  mcp_servers: ServersTable;
}

export type ServerRow = Selectable<ServersTable>;
type Tables = Kysely<ServerTables>;

export function findRow(db: Tables, tenant: string, name: string): Promise<ServerRow | undefined> {
  return db
    .selectFrom('mcp_servers')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** Those that serve the tenant: its own, and of those of the tenant `default` whichever it has none of the same name beside. */
function serving(db: Tables, tenant: string) {
  return db
    .selectFrom('mcp_servers')
    .distinctOn('name')
    .selectAll()
    .where('tenant', 'in', [tenant, DEFAULT_TENANT])
    .orderBy('name')
    .orderBy((eb) => eb('tenant', '=', tenant), 'desc');
}

export function findServing(db: Tables, tenant: string, name: string): Promise<ServerRow | undefined> {
  return serving(db, tenant).where('name', '=', name).executeTakeFirst();
}

/** By name, from the one after `after`. */
export function listServing(db: Tables, tenant: string, after: string | null, limit: number): Promise<ServerRow[]> {
  const query = serving(db, tenant).limit(limit);
  return (after === null ? query : query.where('name', '>', after)).execute();
}

export function writeRow(
  db: Tables,
  { tenant, name, settings, secrets }: Pick<ServerRow, 'tenant' | 'name' | 'settings' | 'secrets'>,
): Promise<ServerRow> {
  const written = { settings: JSON.stringify(settings), secrets };
  return db
    .insertInto('mcp_servers')
    .values({ tenant, name, ...written })
    .onConflict((conflict) =>
      conflict.columns(['tenant', 'name']).doUpdateSet({ ...written, updated_at: sql<Date>`clock_timestamp()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function deleteRow(db: Tables, tenant: string, name: string): Promise<void> {
  await db.deleteFrom('mcp_servers').where('tenant', '=', tenant).where('name', '=', name).execute();
}
