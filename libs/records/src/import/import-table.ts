/** Imports as rows: how far each has come. */
import { sql, type Kysely, type Transaction } from 'kysely';
import type { RecordKind } from '../record/record-kind.js';
import type { RecordTables } from '../store/record-store.js';

export interface Rejection {
  readonly line: number;
  readonly reason: string;
}

export interface ImportState {
  readonly id: string;
  readonly state: 'running' | 'done';
  /** Counts who has taken it up: a fencing number. */
  readonly epoch: string;
  /** How many rows of the file, good or bad, are settled. */
  readonly rows: string;
  readonly imported: string;
  readonly rejected: string;
  /** The first of those that were rejected. */
  readonly rejections: readonly Rejection[];
  /** Of the rows that are settled, as they were sent. */
  readonly digest: Buffer | null;
  readonly started_at: Date;
  readonly updated_at: Date;
}

/** What a batch adds. */
export interface ImportProgress {
  readonly rows: number;
  readonly imported: number;
  readonly rejected: readonly Rejection[];
  readonly digest: Buffer;
}

/** More than anybody reads, and little enough to be answered at once. */
export const MOST_REJECTIONS = 1000;
const KEPT_DAYS = 7;

type Db = Kysely<RecordTables> | Transaction<RecordTables>;

/** Takes an import up, or begins it. Whoever had it before can commit nothing more of it. */
export async function takeImport(db: Db, kind: RecordKind, tenant: string, id: string): Promise<ImportState> {
  await sql`
    delete from record_imports where tenant = ${tenant} and updated_at < now() - make_interval(days => ${KEPT_DAYS})
  `.execute(db);
  const { rows } = await sql<ImportState>`
    insert into record_imports (tenant, kind, id) values (${tenant}, ${kind.name}, ${id})
    on conflict (tenant, kind, id) do update set
      epoch = record_imports.epoch + 1,
      updated_at = case record_imports.state when 'done' then record_imports.updated_at else clock_timestamp() end
    returning *`.execute(db);
  return rows[0] as ImportState;
}

export async function findImport(
  db: Db,
  kind: RecordKind,
  tenant: string,
  id: string,
): Promise<ImportState | undefined> {
  const { rows } = await sql<ImportState>`
    select * from record_imports where tenant = ${tenant} and kind = ${kind.name} and id = ${id}`.execute(db);
  return rows[0];
}

/** Undefined: it is not as it was any more. */
export async function advanceImport(
  transaction: Transaction<RecordTables>,
  kind: RecordKind,
  tenant: string,
  { id, epoch, rows: before }: ImportState,
  { rows: count, imported, rejected, digest }: ImportProgress,
): Promise<ImportState | undefined> {
  const { rows } = await sql<ImportState>`
    update record_imports set
      rows = rows + ${count}, imported = imported + ${imported}, rejected = rejected + ${rejected.length},
      rejections = case
        when jsonb_array_length(rejections) < ${MOST_REJECTIONS} then rejections || ${JSON.stringify(rejected.slice(0, MOST_REJECTIONS))}::jsonb
        else rejections end,
      digest = ${digest}, updated_at = clock_timestamp()
    where tenant = ${tenant} and kind = ${kind.name} and id = ${id} and epoch = ${epoch} and rows = ${before}
    returning *`.execute(transaction);
  return rows[0];
}

export async function endImport(
  transaction: Transaction<RecordTables>,
  kind: RecordKind,
  tenant: string,
  { id, epoch }: ImportState,
): Promise<ImportState | undefined> {
  const { rows } = await sql<ImportState>`
    update record_imports set state = 'done', updated_at = clock_timestamp()
    where tenant = ${tenant} and kind = ${kind.name} and id = ${id} and epoch = ${epoch}
    returning *`.execute(transaction);
  return rows[0];
}
