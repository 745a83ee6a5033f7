import { sql, type Generated, type Kysely, type Transaction } from 'kysely';

export interface OutboxTables {
  cache_outbox: {
    id: Generated<string>;
    noted_at: Generated<Date>;
    kind: OutboxKind;
    tenant: string;
    /** Of a key. */
    family: string | null;
    /** A logical key, or what a tag, a namespace or a family is called. */
    subject: string;
  };
}

export type OutboxKind = 'key' | 'tag' | 'namespace' | 'family';

/** What is to be invalidated, as a row says it. */
export interface OutboxSubject {
  readonly kind: OutboxKind;
  readonly tenant: string;
  readonly family: string | null;
  readonly subject: string;
}

export interface OutboxRow extends OutboxSubject {
  readonly id: string;
  readonly ageMs: number;
}

/** Ids of the rows, which are there if and only if the transaction commits. */
export async function noteRows<Tables>(
  transaction: Transaction<Tables>,
  subjects: readonly OutboxSubject[],
): Promise<string[]> {
  const column = <K extends keyof OutboxSubject>(name: K): OutboxSubject[K][] => subjects.map((one) => one[name]);
  const { rows } = await sql<{ id: string }>`
    insert into cache_outbox (kind, tenant, family, subject)
    select * from unnest(
      ${column('kind')}::text[], ${column('tenant')}::text[], ${column('family')}::text[], ${column('subject')}::text[]
    )
    returning id`.execute(transaction);
  return rows.map(({ id }) => id);
}

export async function anyRowLeft(db: Kysely<OutboxTables>, ids: readonly string[]): Promise<boolean> {
  const { rows } = await sql`select from cache_outbox where id = any(${ids}::bigint[]) limit 1`.execute(db);
  return rows.length > 0;
}

export async function deleteRows(db: Kysely<OutboxTables>, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await sql`delete from cache_outbox where id = any(${ids}::bigint[])`.execute(db);
}

/**
 * The oldest row of each subject that is at least so old, of those that nobody else is at; they stay locked until the
 * transaction ends.
 */
export async function claimRows(
  transaction: Kysely<OutboxTables>,
  { most, olderThanMs, families }: { most: number; olderThanMs: number; families: readonly string[] },
): Promise<OutboxRow[]> {
  const { rows } = await sql<OutboxSubject & { id: string; age_ms: string }>`
    select id, kind, tenant, family, subject,
      (extract(epoch from clock_timestamp() - noted_at) * 1000)::bigint as age_ms
    from cache_outbox as oldest
    where noted_at <= clock_timestamp() - make_interval(secs => ${olderThanMs / 1000})
      and (family is null or family = any(${families}))
      and not exists (
        select from cache_outbox as older
        where (older.kind, older.tenant, older.subject) = (oldest.kind, oldest.tenant, oldest.subject)
          and older.id < oldest.id
      )
    order by id
    limit ${most}
    for update skip locked`.execute(transaction);
  return rows.map(({ age_ms, ...row }) => ({ ...row, ageMs: Number(age_ms) }));
}

/** All rows about the same that are committed by now: what is invalidated after this is invalidated for them too. */
export async function rowsOfSameSubjects(
  db: Kysely<OutboxTables>,
  claimed: readonly OutboxRow[],
): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ claimed: string; id: string }>`
    select claimed.id as claimed, other.id
    from cache_outbox as claimed
    join cache_outbox as other using (kind, tenant, subject)
    where claimed.id = any(${claimed.map(({ id }) => id)}::bigint[])`.execute(db);
  const found = new Map<string, string[]>();
  for (const row of rows) found.set(row.claimed, [...(found.get(row.claimed) ?? []), row.id]);
  return found;
}
