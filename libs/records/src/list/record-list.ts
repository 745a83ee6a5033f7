/**
 * Lists by page. A page begins behind the place of the last record shown (its value in the order, then its id), not behind a
 * count, so that what others write meanwhile makes no page repeat or skip a record that stays where it was. Orders by the
 * time of creation never change; a record whose `updated_at`, `estado` or `empresa` changes moves in those orders.
 */
import { pageOf, type Page, type PageRequest } from '@promptsales/http-edge';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { recordOf, type BusinessRecord, type RecordRow } from '../record/business-record.js';
import { wordsOf } from '../record/folded.js';
import type { RecordKind } from '../record/record-kind.js';
import { columnsOf, type RecordTables } from '../store/record-store.js';
import { cursorAt, readCursor, type ListOrder } from './record-cursor.js';

export interface ListRequest extends ListOrder, PageRequest {}

/** @throws InvalidCursorError for a cursor that is not one of this list */
export async function readList(
  db: Kysely<RecordTables>,
  kind: RecordKind,
  tenant: string,
  request: ListRequest,
): Promise<Page<BusinessRecord>> {
  const { limit, cursor, sort, descending, filters } = request;
  const column = sql.ref(kind.sorts[sort] ?? 'created_at');
  const isTime = sort.endsWith('_at');
  const direction = sql.raw(descending ? 'desc' : 'asc');
  const conditions = [sql`tenant = ${tenant}`, ...filtered(filters)];
  if (cursor !== undefined) {
    const { value, id } = readCursor(cursor, kind, request);
    const last = isTime ? sql`${value}::timestamptz` : sql`${value}::text`;
    conditions.push(sql`(${column}, id) ${sql.raw(descending ? '<' : '>')} (${last}, ${id}::uuid)`);
  }
  const { rows } = await sql<RecordRow & { place: string | Date }>`
    select ${columnsOf(kind)}, ${column} as place
    from ${sql.table(kind.plural)}
    where ${sql.join(conditions, sql` and `)}
    order by ${column} ${direction}, id ${direction}
    limit ${limit + 1}`.execute(db);
  const cursorOf = ({ id, place }: (typeof rows)[number]): string =>
    cursorAt({ value: place instanceof Date ? place.toISOString() : place, id }, kind, request);
  return pageOf(rows, limit, cursorOf, (row) => recordOf(kind, row));
}

function filtered({ q, ...columns }: ListOrder['filters']): RawBuilder<unknown>[] {
  const words = q === undefined ? [] : wordsOf(q);
  const conditions = Object.entries(columns).map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  // Letters and digits alone, so that nothing of it is an operator.
  if (words.length > 0) conditions.push(sql`search @@ ${words.map((word) => `${word}:*`).join(' & ')}::tsquery`);
  // A question without a word in it finds nothing, rather than everything.
  else if (q !== undefined) conditions.push(sql`false`);
  return conditions;
}
