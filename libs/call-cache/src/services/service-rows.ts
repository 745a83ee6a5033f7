import { sql, type ColumnType, type Generated, type Kysely, type Selectable } from 'kysely';
import type { SealedBody } from './secrets.js';

export interface ServicesTable {
  name: string;
  /** Written as JSON text, its secrets encrypted. */
  body: ColumnType<SealedBody, string, string>;
  space: string;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  revision: Generated<string>;
}

export interface ServiceTables {
  call_services: ServicesTable;
}

export interface ServiceRow {
  readonly name: string;
  readonly body: SealedBody;
  readonly space: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

type Tables = Kysely<ServiceTables>;

export async function findRow(db: Tables, name: string): Promise<ServiceRow | null> {
  const row = await db.selectFrom('call_services').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? null : rowOf(row);
}

/** By name, from the one after `after`. */
export async function listRows(db: Tables, after: string | null, limit: number): Promise<ServiceRow[]> {
  let query = db.selectFrom('call_services').selectAll().orderBy('name').limit(limit);
  if (after !== null) query = query.where('name', '>', after);
  return (await query.execute()).map(rowOf);
}

export async function writeRow(
  db: Tables,
  { name, body, space }: Pick<ServiceRow, 'name' | 'body' | 'space'>,
): Promise<ServiceRow> {
  const written = { body: JSON.stringify(body), space };
  const row = await db
    .insertInto('call_services')
    .values({ name, ...written })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ ...written, updated_at: sql<Date>`clock_timestamp()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return rowOf(row);
}

export async function deleteRow(db: Tables, name: string): Promise<void> {
  await db.deleteFrom('call_services').where('name', '=', name).execute();
}

function rowOf({
  name,
  body,
  space,
  created_at: createdAt,
  updated_at: updatedAt,
}: Selectable<ServicesTable>): ServiceRow {
  return { name, body, space, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
