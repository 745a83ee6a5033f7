import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/**
 * The id alone is no key: tenants choose ids for themselves, and must not learn of each other's.
 * Orders are by bytes (`C`), so that a cursor means the same to the index and to us, whatever the server's locale is.
 */
export const RECORDS_MIGRATIONS: MigrationSet = {
  library: 'records',
  migrations: {
    '0001_leads_and_oportunidades': {
      up: async (db) => {
        const common = sql`
          tenant text collate "C" not null,
          id uuid not null,
          version bigint not null default 1,
          estado text collate "C" not null,
          datos jsonb not null default '{}',
          search tsvector not null,
          created_at timestamptz(3) not null,
          updated_at timestamptz(3) not null,
          primary key (tenant, id)`;
        await sql`
          create table leads (
            ${common},
            empresa text not null,
            empresa_folded text collate "C" not null,
            contacto text
          )`.execute(db);
        await sql`
          create table oportunidades (
            ${common},
            lead_id uuid not null,
            foreign key (tenant, lead_id) references leads (tenant, id) on delete cascade
          )`.execute(db);
        await sql`create index leads_by_empresa on leads (tenant, empresa_folded, id)`.execute(db);
        await sql`create index oportunidades_by_lead on oportunidades (tenant, lead_id)`.execute(db);
        for (const table of ['leads', 'oportunidades']) {
          for (const column of ['created_at', 'updated_at', 'estado']) {
            await sql`
              create index ${sql.ref(`${table}_by_${column}`)} on ${sql.table(table)} (tenant, ${sql.ref(column)}, id)
            `.execute(db);
          }
          await sql`create index ${sql.ref(`${table}_search`)} on ${sql.table(table)} using gin (search)`.execute(db);
        }
      },
    },
    '0002_record_imports': {
      up: async (db) => {
        await sql`
          create table record_imports (
            tenant text collate "C" not null,
            kind text not null check (kind in ('lead', 'oportunidad')),
            id text collate "C" not null,
            state text not null default 'running' check (state in ('running', 'done')),
            epoch bigint not null default 1,
            rows bigint not null default 0,
            imported bigint not null default 0,
            rejected bigint not null default 0,
            rejections jsonb not null default '[]',
            digest bytea,
            started_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            primary key (tenant, kind, id)
          )`.execute(db);
      },
    },
  },
};
