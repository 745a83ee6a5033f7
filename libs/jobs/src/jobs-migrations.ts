import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/**
 * `attempt` and `fence` are of the run that may write: see run/job-run.ts. `dispatched_at` is when the job was last given to
 * the queue in Redis, which may have lost it since.
 */
export const JOBS_MIGRATIONS: MigrationSet = {
  library: 'jobs',
  migrations: {
    '0001_generation_jobs': {
      up: async (db) => {
        await sql`
          create table generation_jobs (
            id uuid primary key,
            tenant text collate "C" not null,
            campana_id text collate "C" not null,
            segmento jsonb not null,
            segmento_hash text collate "C" not null,
            priority text not null check (priority in ('high', 'normal', 'low')),
            source text not null check (source in ('intake', 'api')),
            idempotency_key text collate "C",
            state text not null default 'queued'
              check (state in ('queued', 'running', 'retrying', 'written', 'completed', 'dead')),
            attempt integer not null default 0,
            fence bigint,
            progress integer not null default 0,
            error_code text,
            error text,
            last_event integer not null default 0,
            created_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            started_at timestamptz(3),
            retry_at timestamptz(3),
            finished_at timestamptz(3),
            dispatched_at timestamptz(3)
          )`.execute(db);
        await sql`
          create unique index generation_jobs_by_idempotency_key on generation_jobs (tenant, idempotency_key)
          where idempotency_key is not null`.execute(db);
        await sql`
          create index generation_jobs_open on generation_jobs (dispatched_at nulls first)
          where state not in ('completed', 'dead')`.execute(db);
        await sql`
          create index generation_jobs_by_tenant on generation_jobs (tenant, state, priority)
          where state <> 'completed'`.execute(db);
        await sql`
          create table generation_job_events (
            job_id uuid not null references generation_jobs (id) on delete cascade,
            number integer not null,
            type text not null,
            data jsonb not null,
            at timestamptz(3) not null,
            primary key (job_id, number)
          )`.execute(db);
        await sql`
          create table generation_dead_entries (
            id uuid primary key,
            tenant text collate "C" not null,
            priority text not null check (priority in ('high', 'normal', 'low')),
            entry bytea not null,
            entry_bytes bigint not null,
            reason text not null,
            at timestamptz(3) not null default clock_timestamp()
          )`.execute(db);
        await sql`create index generation_dead_entries_by_tenant on generation_dead_entries (tenant, id)`.execute(db);
        await sql`
          create table campaign_messages (
            tenant text collate "C" not null,
            campana_id text collate "C" not null,
            segmento_hash text collate "C" not null,
            segmento jsonb not null,
            job_id uuid not null,
            fence bigint not null,
            model text not null,
            messages jsonb not null,
            tokens_total bigint,
            cost_total_usd numeric,
            tiempo_total_ms bigint not null,
            fecha_generacion timestamptz(3) not null,
            primary key (tenant, campana_id, segmento_hash)
          )`.execute(db);
      },
    },
    '0002_ended_jobs_by_time': {
      up: async (db) => {
        await sql`
          create index generation_jobs_ended on generation_jobs (finished_at)
          where state in ('completed', 'dead')`.execute(db);
        await sql`create index generation_dead_entries_by_time on generation_dead_entries (at)`.execute(db);
      },
    },
  },
};
