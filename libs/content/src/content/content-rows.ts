/** The table of contents. A tenant is part of every statement. */
import type { keyspace, ValueOf } from '@promptsales/cache-core';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { ContentFields } from './content-fields.js';

/** Statements are written by hand. */
export type ContentTables = Record<string, never>;
export type Db = Kysely<ContentTables> | Transaction<ContentTables>;

/** As the family `content.by_id` has it. */
export type Content = ValueOf<typeof keyspace.contentById>;

/** A vector and the space that it is of. */
export interface Placed {
  readonly space: string;
  readonly vector: readonly number[];
}

interface Row {
  readonly campana_id: string;
  readonly cliente_id: string;
  readonly descripcion: string;
  readonly hashtags: readonly string[];
  readonly url_almacenamiento: string | null;
  readonly url_thumbnail: string | null;
  readonly formato: string;
  readonly aprobado: boolean;
  readonly created_at: Date;
}

const COLUMNS = sql.raw(
  'campana_id, cliente_id, descripcion, hashtags, url_almacenamiento, url_thumbnail, formato, aprobado, created_at',
);

export async function findContent(db: Db, tenant: string, id: string): Promise<Content | null> {
  const { rows } = await sql<Row>`
    select ${COLUMNS} from contents where tenant = ${tenant} and content_id = ${id}`.execute(db);
  return rows[0] === undefined ? null : contentOf(rows[0]);
}

export async function putContent(
  db: Db,
  tenant: string,
  id: string,
  fields: ContentFields,
  placed: Placed | null,
): Promise<{ content: Content; created: boolean }> {
  const { created_at: createdAt, hashtags, ...plain } = fields;
  const { rows } = await sql<Row & { created: boolean }>`
    insert into contents (
      tenant, content_id, campana_id, cliente_id, descripcion, hashtags, url_almacenamiento, url_thumbnail, formato,
      aprobado, created_at, space, embedding
    ) values (
      ${tenant}, ${id}, ${plain.campana_id}, ${plain.cliente_id}, ${plain.descripcion}, ${[...hashtags]}::text[],
      ${plain.url_almacenamiento}, ${plain.url_thumbnail}, ${plain.formato}, ${plain.aprobado},
      coalesce(${createdAt}::timestamptz, now()), ${placed?.space ?? null}, ${placed === null ? null : [...placed.vector]}::real[]
    )
    on conflict (tenant, content_id) do update set
      version = contents.version + 1, campana_id = excluded.campana_id, cliente_id = excluded.cliente_id,
      descripcion = excluded.descripcion, hashtags = excluded.hashtags,
      url_almacenamiento = excluded.url_almacenamiento, url_thumbnail = excluded.url_thumbnail,
      formato = excluded.formato, aprobado = excluded.aprobado,
      created_at = coalesce(${createdAt}::timestamptz, contents.created_at),
      space = excluded.space, embedding = excluded.embedding
    returning ${COLUMNS}, version = 1 as created`.execute(db);
  const { created, ...row } = rows[0] as Row & { created: boolean };
  return { content: contentOf(row), created };
}

export async function deleteContent(db: Db, tenant: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    delete from contents where tenant = ${tenant} and content_id = ${id} returning 1`.execute(db);
  return rows.length > 0;
}

/** A text whose vector is of another space, or still to be made. */
export interface Unplaced {
  readonly content_id: string;
  readonly version: string;
  readonly descripcion: string;
  readonly hashtags: readonly string[];
}

/**
 * By id, from the one behind `after`. Before every search, and nearly always none. Three ranges of the index:
 * `is distinct from` would read the whole tenant.
 */
export async function unplacedContents(
  db: Db,
  tenant: string,
  space: string,
  after: string,
  limit: number,
): Promise<Unplaced[]> {
  const { rows } = await sql<Unplaced>`
    select content_id, version::text, descripcion, hashtags from contents
    where tenant = ${tenant} and (space is null or space < ${space} or space > ${space}) and content_id > ${after}
    order by content_id limit ${limit}`.execute(db);
  return rows;
}

/** Unless it was changed meanwhile: then its vector is of what it was. */
export async function placeContent(
  db: Db,
  tenant: string,
  { content_id: id, version }: Unplaced,
  placed: Placed,
): Promise<void> {
  await sql`
    update contents set space = ${placed.space}, embedding = ${[...placed.vector]}::real[]
    where tenant = ${tenant} and content_id = ${id} and version = ${version}::bigint`.execute(db);
}

function contentOf({
  created_at: createdAt,
  url_almacenamiento: stored,
  url_thumbnail: thumbnail,
  ...row
}: Row): Content {
  return {
    ...row,
    hashtags: [...row.hashtags],
    ...(stored === null ? {} : { url_almacenamiento: stored }),
    ...(thumbnail === null ? {} : { url_thumbnail: thumbnail }),
    created_at: createdAt.toISOString(),
  };
}
