/**
 * A clock that counts the changes of a table, so that processes can keep what they know of it in step by one small question.
 *
 * 1. Whatever inserts or updates a row counts `revision` up, stamps the row with it, and does so in its own transaction.
 * 2. The clock's row stays locked until that is committed, so that revisions become visible in their order: "every row
 *    after revision N" never misses a change that was slow to commit, as it would with a sequence.
 * 3. A row that is deleted cannot say so. Then `epoch` changes, and whoever follows reads everything anew.
 * 4. Triggers keep it, so that what is changed by hand in `psql` counts as well.
 *
 * For tables that change seldom: of two changes, the second waits for the first.
 */
import { sql, type Kysely } from 'kysely';

/**
 * Makes the clock `{name}_clock` of a table that has a column `revision bigint not null`.
 *
 * Migrations that ran long ago call this. What it makes must stay as it is: another kind of clock is another function.
 */
export async function createChangeClock(
  db: Kysely<unknown>,
  { name, table }: { readonly name: string; readonly table: string },
): Promise<void> {
  const clock = sql.ref(`${name}_clock`);
  const countChange = sql.ref(`${name}_count_change`);
  const forgetAll = sql.ref(`${name}_forget_all`);
  await sql`
    create table ${clock} (
      only_row boolean primary key default true check (only_row),
      revision bigint not null default 0,
      epoch bigint not null default 0
    )`.execute(db);
  await sql`insert into ${clock} default values`.execute(db);
  await sql`create index ${sql.ref(`${table}_by_revision`)} on ${sql.table(table)} (revision)`.execute(db);
  await sql`
    create function ${countChange}() returns trigger language plpgsql as $$
    begin
      update ${clock} set revision = revision + 1 returning revision into new.revision;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger ${sql.ref(`${table}_changed`)} before insert or update on ${sql.table(table)}
    for each row execute function ${countChange}()`.execute(db);
  await sql`
    create function ${forgetAll}() returns trigger language plpgsql as $$
    begin
      update ${clock} set epoch = epoch + 1;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger ${sql.ref(`${table}_removed`)} after delete or truncate on ${sql.table(table)}
    for each statement execute function ${forgetAll}()`.execute(db);
}
