import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/**
 * The clock counts every change of a key inside the transaction that makes it. Its row stays locked until the commit, so
 * revisions become visible in their order and "everything after revision N" can never miss a change that was slow to commit.
 * Triggers keep it, so a key that is revoked by hand in `psql` is as revoked as any.
 */
export const IDENTITY_MIGRATIONS: MigrationSet = {
  library: 'identity',
  migrations: {
    '0001_api_keys': {
      up: async (db) => {
        await sql`
          create table identity_clock (
            only_row boolean primary key default true check (only_row),
            revision bigint not null default 0,
            epoch bigint not null default 0
          )`.execute(db);
        await sql`insert into identity_clock default values`.execute(db);
        await sql`
          create table api_keys (
            id text primary key,
            sequence bigint generated always as identity unique,
            hash bytea not null unique check (octet_length(hash) = 32),
            name text not null,
            tenant text not null,
            client text not null,
            scopes text[] not null,
            plan text not null,
            created_at timestamptz(3) not null default now(),
            created_by text not null,
            expires_at timestamptz(3),
            revoked_at timestamptz(3),
            revoked_by text,
            revision bigint not null
          )`.execute(db);
        await sql`create index api_keys_by_revision on api_keys (revision)`.execute(db);
        await sql`create index api_keys_by_tenant on api_keys (tenant, sequence)`.execute(db);
        await sql`
          create function identity_count_change() returns trigger language plpgsql as $$
          begin
            update identity_clock set revision = revision + 1 returning revision into new.revision;
            return new;
          end $$`.execute(db);
        await sql`
          create trigger api_keys_changed before insert or update on api_keys
          for each row execute function identity_count_change()`.execute(db);
        await sql`
          create function identity_forget_all() returns trigger language plpgsql as $$
          begin
            update identity_clock set epoch = epoch + 1;
            return null;
          end $$`.execute(db);
        // A row that is gone cannot say that it changed, so everybody reads everything anew.
        await sql`
          create trigger api_keys_removed after delete or truncate on api_keys
          for each statement execute function identity_forget_all()`.execute(db);
      },
    },
    '0002_audit_log': {
      up: async (db) => {
        await sql`
          create table audit_log (
            id bigint generated always as identity primary key,
            at timestamptz(3) not null default clock_timestamp(),
            actor_key_id text not null,
            actor_tenant text not null,
            tenant text not null,
            action text not null,
            target text not null,
            request_id text,
            detail jsonb not null
          )`.execute(db);
        await sql`create index audit_log_by_tenant on audit_log (tenant, id)`.execute(db);
      },
    },
  },
};
