import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/** Numbers come from one sequence, so that a row that is removed does not make them begin anew. */
export const FENCING_MIGRATIONS: MigrationSet = {
  library: 'fencing',
  migrations: {
    '0001_lock_fences': {
      up: async (db) => {
        await sql`create sequence lock_fence_numbers as bigint`.execute(db);
        await sql`
          create table lock_fences (
            tenant text not null,
            lock text not null,
            number bigint not null,
            drawn_at timestamptz(3) not null,
            primary key (tenant, lock)
          )`.execute(db);
      },
    },
  },
};
