import { createChangeClock, type MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

export const POLICY_MIGRATIONS: MigrationSet = {
  library: 'llm-policies',
  migrations: {
    '0001_create_policies': {
      up: async (db) => {
        await sql`
          create table llm_policies (
            name text primary key,
            match_provider text,
            match_model text,
            match_tenant text,
            match_key_id text,
            mode text not null check (mode in ('all', 'deterministic', 'bucket', 'off')),
            bucket integer check (bucket > 0),
            ttl_seconds integer check (ttl_seconds > 0),
            share text not null check (share in ('tenant', 'key', 'all')),
            semantic jsonb,
            created_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            revision bigint not null default 0,
            check ((mode = 'bucket') = (bucket is not null))
          )`.execute(db);
        await createChangeClock(db, { name: 'llm_policy', table: 'llm_policies' });
        await sql`insert into llm_policies (name, mode, share) values ('default', 'all', 'tenant')`.execute(db);
      },
    },
  },
};
