import { createChangeClock, type MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

export const CONFIGURATION_MIGRATIONS: MigrationSet = {
  library: 'configuration',
  migrations: {
    '0001_configurations': {
      up: async (db) => {
        // json, not jsonb: it keeps the order of members and every character that a JSON text may hold.
        await sql`
          create table configurations (
            tenant text not null,
            key text not null,
            type text not null check (type in ('provider', 'system')),
            value json not null,
            by_administrator boolean not null,
            created_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            revision bigint not null default 0,
            primary key (tenant, key)
          )`.execute(db);
        await createChangeClock(db, { name: 'configuration', table: 'configurations' });
      },
    },
    '0002_client_configurations': {
      up: async (db) => {
        await sql`
          create table client_configurations (
            tenant text not null,
            client_name text not null,
            tools_acceso json not null,
            rate_limit text not null,
            max_requests_hora integer not null check (max_requests_hora >= 0),
            estado text not null,
            created_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            primary key (tenant, client_name)
          )`.execute(db);
      },
    },
  },
};
