import { hash } from 'node:crypto';
import { sql, type Kysely, type Selectable } from 'kysely';
import type { ConfigurationsTable, ConfigurationTables, ConfigurationType } from '../configuration-tables.js';
import type { JsonObject } from '../json.js';

/** A configuration as it is stored, its secrets encrypted. */
export interface ConfigurationRow {
  readonly tenant: string;
  readonly key: string;
  readonly type: ConfigurationType;
  readonly value: JsonObject;
  readonly byAdministrator: boolean;
  readonly updatedAt: string;
}

type Tables = Kysely<ConfigurationTables>;

export async function findRow(db: Tables, tenant: string, key: string): Promise<ConfigurationRow | null> {
  const row = await db
    .selectFrom('configurations')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('key', '=', key)
    .executeTakeFirst();
  return row === undefined ? null : rowOf(row);
}

/** By name, from the one after `after`. */
export async function listRows(
  db: Tables,
  { tenant, type, after, limit }: { tenant: string; type: ConfigurationType; after: string | null; limit: number },
): Promise<ConfigurationRow[]> {
  let query = db
    .selectFrom('configurations')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('type', '=', type)
    .orderBy('key')
    .limit(limit);
  if (after !== null) query = query.where('key', '>', after);
  return (await query.execute()).map(rowOf);
}

export async function writeRow(
  db: Tables,
  { tenant, key, type, value, byAdministrator }: Omit<ConfigurationRow, 'updatedAt'>,
): Promise<ConfigurationRow> {
  const written = { type, value: JSON.stringify(value), by_administrator: byAdministrator };
  const row = await db
    .insertInto('configurations')
    .values({ tenant, key, ...written })
    .onConflict((conflict) =>
      conflict.columns(['tenant', 'key']).doUpdateSet({ ...written, updated_at: sql<Date>`clock_timestamp()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return rowOf(row);
}

export async function deleteRow(db: Tables, tenant: string, key: string): Promise<void> {
  await db.deleteFrom('configurations').where('tenant', '=', tenant).where('key', '=', key).execute();
}

/** Names what is stored as it is, the same in PostgreSQL and in its copy in Redis. */
export function tagOf({ type, updatedAt, value }: Pick<ConfigurationRow, 'type' | 'updatedAt' | 'value'>): string {
  return `"${hash('sha256', JSON.stringify([type, updatedAt, value]), 'base64url').slice(0, 22)}"`;
}

export function rowOf(row: Selectable<ConfigurationsTable>): ConfigurationRow {
  const { tenant, key, type, value, by_administrator: byAdministrator } = row;
  return { tenant, key, type, value, byAdministrator, updatedAt: row.updated_at.toISOString() };
}
