import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

export const OUTBOX_MIGRATIONS: MigrationSet = {
  library: 'cache-outbox',
  migrations: {
    '0001_cache_outbox': {
      up: async (db) => {
        await sql`
          create table cache_outbox (
            id bigint generated always as identity primary key,
            noted_at timestamptz(3) not null default now(),
            kind text not null check (kind in ('key', 'tag', 'namespace', 'family')),
            tenant text not null,
            family text,
            subject text not null
          )`.execute(db);
        await sql`create index cache_outbox_subject on cache_outbox (kind, tenant, subject, id)`.execute(db);
      },
    },
  },
};
