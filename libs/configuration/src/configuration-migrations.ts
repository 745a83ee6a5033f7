import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/**
 * The clock counts every change of a provider or a system's configuration inside the transaction that makes it. Its row stays
 * locked until the commit, so "everything after revision N" can never miss a change that was slow to commit. A row that is
 * deleted cannot say so: then the epoch changes, and whoever follows reads everything anew.
 */
export const CONFIGURATION_MIGRATIONS: MigrationSet = {
  library: 'configuration',
  migrations: {
    '0001_configurations': {
      up: async (db) => {
        await sql`
          create table configuration_clock (
            only_row boolean primary key default true check (only_row),
            revision bigint not null default 0,
            epoch bigint not null default 0
          )`.execute(db);
        await sql`insert into configuration_clock default values`.execute(db);
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
        await sql`create index configurations_by_revision on configurations (revision)`.execute(db);
        await sql`
          create function configuration_count_change() returns trigger language plpgsql as $$
          begin
            update configuration_clock set revision = revision + 1 returning revision into new.revision;
            return new;
          end $$`.execute(db);
        await sql`
          create trigger configurations_changed before insert or update on configurations
          for each row execute function configuration_count_change()`.execute(db);
        await sql`
          create function configuration_forget_all() returns trigger language plpgsql as $$
          begin
            update configuration_clock set epoch = epoch + 1;
            return null;
          end $$`.execute(db);
        await sql`
          create trigger configurations_removed after delete or truncate on configurations
          for each statement execute function configuration_forget_all()`.execute(db);
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
