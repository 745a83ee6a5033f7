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
  mcp_server_clock: { revision: string; epoch: string };
}

/** Another one after each change: see `createChangeClock`. */
export interface ServerClock {
  readonly revision: string;
  readonly epoch: string;
}

export type ServerRow = Selectable<ServersTable>;
type Tables = Kysely<ServerTables>;

export function clockOf(db: Tables): Promise<ServerClock> {
  return db.selectFrom('mcp_server_clock').select(['revision', 'epoch']).executeTakeFirstOrThrow();
}

/** In one statement, so that the clock is that of the servers. */
export async function readAll(db: Tables): Promise<{ readonly clock: ServerClock; readonly rows: ServerRow[] }> {
  const rows = await db
    .selectFrom('mcp_server_clock as clock')
    .leftJoin('mcp_servers as server', (join) => join.onTrue())
    .selectAll('server')
    .select(['clock.revision as at_revision', 'clock.epoch as at_epoch'])
    .execute();
  return {
    clock: { revision: rows[0]?.at_revision ?? '', epoch: rows[0]?.at_epoch ?? '' },
    rows: rows.flatMap((row) => (row.name === null ? [] : [row as ServerRow])),
  };
}

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

/** Keeps other writers of the same server waiting until the transaction ends, whether or not it is there yet. */
export async function lockServer(db: Tables, tenant: string, name: string): Promise<void> {
  const key = JSON.stringify(['mcp server', tenant, name]);
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(db);
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
