import { type RawBuilder, sql } from 'kysely';

/**
 * The start of a moment's day in UTC. By arithmetic: a calendar for each line would cost more than all the sums. Statistics are
 * kept on this very expression.
 */
export function dayOf(moment: string): RawBuilder<Date> {
  return sql<Date>`date_bin('1 day', ${sql.ref(moment)}, timestamptz '1970-01-01T00:00:00Z')`;
}
