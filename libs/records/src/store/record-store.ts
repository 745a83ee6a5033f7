/** The tables of leads and opportunities. A tenant is part of every statement. */
import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { RecordRow } from '../record/business-record.js';
import { folded, searchWords } from '../record/folded.js';
import type { RecordFields } from '../record/record-fields.js';
import { LEADS, OPORTUNIDADES, type RecordKind } from '../record/record-kind.js';

/** Statements are written by hand: columns follow from the kind of record. */
export type RecordTables = Record<string, never>;
type Db = Kysely<RecordTables> | Transaction<RecordTables>;

/** A record with the id that it will have, as the text that PostgreSQL is given. */
export interface NewRow {
  readonly id: string;
  readonly text: string;
}

export function newRow(kind: RecordKind, id: string, fields: RecordFields): NewRow {
  const text = JSON.stringify({
    id,
    ...fields.known,
    datos: fields.own,
    words: wordsOf(fields),
    ...(kind === LEADS ? { empresa_folded: empresaFolded(fields) } : {}),
  });
  return { id, text };
}

export async function findRow(db: Db, kind: RecordKind, tenant: string, id: string): Promise<RecordRow | undefined> {
  const { rows } = await sql<RecordRow>`
    select ${columnsOf(kind)} from ${sql.table(kind.plural)} where tenant = ${tenant} and id = ${id}`.execute(db);
  return rows[0];
}

/** Nobody else changes it until the transaction ends. */
export async function lockRow(
  db: Transaction<RecordTables>,
  kind: RecordKind,
  tenant: string,
  id: string,
): Promise<RecordRow | undefined> {
  const { rows } = await sql<RecordRow>`
    select ${columnsOf(kind)} from ${sql.table(kind.plural)} where tenant = ${tenant} and id = ${id}
    for update`.execute(db);
  return rows[0];
}

/**
 * The ids of those that were made. One whose id is taken is not, nor one whose lead is not there. Made in the order of their
 * ids, so that of two who make the same ones at once each waits for the other, and never both.
 */
export async function insertRows(
  db: Transaction<RecordTables>,
  kind: RecordKind,
  tenant: string,
  given: readonly NewRow[],
): Promise<ReadonlySet<string>> {
  const names = Object.keys(kind.known);
  const columns = ['id', ...names, 'datos', ...(kind === LEADS ? ['empresa_folded'] : [])];
  // One text for all of them: arrays would be written by hand here, and read by hand there.
  const texts = `[${given.map(({ text }) => text).join(',')}]`;
  const types = sql.join([...columns, 'words'].map((name) => sql`${sql.ref(name)} ${sql.raw(typeOf(kind, name))}`));
  const ofLeads = kind === OPORTUNIDADES;
  const { rows } = await sql<{ id: string }>`
    insert into ${sql.table(kind.plural)} (${refs(columns)}, search, tenant, created_at, updated_at)
    select ${refs(columns.map((name) => `given.${name}`))}, array_to_tsvector(string_to_array(given.words, ' ')),
      ${tenant}, now(), now()
    from json_to_recordset(${texts}::json) as given (${types})
    ${ofLeads ? sql`join leads on leads.tenant = ${tenant} and leads.id = given.lead_id` : sql``}
    order by given.id
    ${ofLeads ? sql`for key share of leads` : sql``}
    on conflict (tenant, id) do nothing
    returning ${sql.ref(`${kind.plural}.id`)}`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

export async function updateRow(
  db: Transaction<RecordTables>,
  kind: RecordKind,
  tenant: string,
  id: string,
  fields: RecordFields,
): Promise<RecordRow> {
  const known = Object.keys(kind.known).map((name) => sql`${sql.ref(name)} = ${fields.known[name]}`);
  const { rows } = await sql<RecordRow>`
    update ${sql.table(kind.plural)} set
      ${sql.join(known)},
      ${kind === LEADS ? sql`empresa_folded = ${empresaFolded(fields)},` : sql``}
      datos = ${JSON.stringify(fields.own)}::jsonb,
      search = array_to_tsvector(string_to_array(${wordsOf(fields)}, ' ')),
      version = version + 1,
      updated_at = greatest(clock_timestamp(), updated_at)
    where tenant = ${tenant} and id = ${id}
    returning ${columnsOf(kind)}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error(`the ${kind.noun} that was locked is gone`);
  return row;
}

export async function deleteRow(
  db: Transaction<RecordTables>,
  kind: RecordKind,
  tenant: string,
  id: string,
): Promise<void> {
  await sql`delete from ${sql.table(kind.plural)} where tenant = ${tenant} and id = ${id}`.execute(db);
}

/** At most so many of the opportunities of a lead. */
export async function oportunidadesOf(
  db: Transaction<RecordTables>,
  tenant: string,
  leadId: string,
  most: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from oportunidades where tenant = ${tenant} and lead_id = ${leadId} limit ${most}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Whether there is such a lead, which then stays until the transaction ends. */
export async function holdLead(db: Transaction<RecordTables>, tenant: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    select from leads where tenant = ${tenant} and id = ${id} for key share`.execute(db);
  return rows.length > 0;
}

export function columnsOf(kind: RecordKind): RawBuilder<unknown> {
  return refs(
    ['id', ...Object.keys(kind.known), 'datos', 'version', 'created_at', 'updated_at'].map(
      (name) => `${kind.plural}.${name}`,
    ),
  );
}

function refs(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.ref(name)));
}

function typeOf(kind: RecordKind, name: string): string {
  if (name === 'datos') return 'jsonb';
  return name === 'id' || kind.known[name]?.shape === 'uuid' ? 'uuid' : 'text';
}

function wordsOf({ known, own }: RecordFields): string {
  return searchWords([...Object.values(known), ...Object.values(own)]).join(' ');
}

function empresaFolded({ known }: RecordFields): string {
  return folded(known['empresa'] ?? '');
}
