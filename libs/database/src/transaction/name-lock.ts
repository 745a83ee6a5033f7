import { sql, type Transaction } from 'kysely';

/**
 * Keeps other writers of the same thing waiting until the transaction ends, whether or not there is a row of it yet.
 *
 * @param kind of thing, in all of the database
 */
export async function lockName<Tables>(
  transaction: Transaction<Tables>,
  kind: string,
  ...name: string[]
): Promise<void> {
  const key = JSON.stringify([kind, ...name]);
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(transaction);
}
