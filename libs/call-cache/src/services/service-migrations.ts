import { createChangeClock, type MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

export const SERVICE_MIGRATIONS: MigrationSet = {
  library: 'call-services',
  migrations: {
    '0001_create_services': {
      up: async (db) => {
        await sql`
          create table call_services (
            name text primary key,
            body json not null,
            space uuid not null,
            created_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            revision bigint not null default 0
          )`.execute(db);
        await createChangeClock(db, { name: 'call_service', table: 'call_services' });
      },
    },
  },
};
