import { sql, type Kysely } from 'kysely';
import { createChangeClock } from '../src/index.js';

/** A table with a change clock. */
export const NOTES = {
  library: 'notes',
  migrations: {
    '0001_notes': {
      up: async (db: Kysely<unknown>) => {
        await sql`create table notes (id int primary key, text text, revision bigint not null default 0)`.execute(db);
        await createChangeClock(db, { name: 'note', table: 'notes' });
      },
    },
  },
};
