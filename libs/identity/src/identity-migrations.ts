import { createChangeClock, type MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/** A key that is revoked by hand in `psql` is as revoked as any: the clock counts that, too. */
export const IDENTITY_MIGRATIONS: MigrationSet = {
  library: 'identity',
  migrations: {
    '0001_api_keys': {
      up: async (db) => {
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
        await sql`create index api_keys_by_tenant on api_keys (tenant, sequence)`.execute(db);
        await createChangeClock(db, { name: 'identity', table: 'api_keys' });
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
