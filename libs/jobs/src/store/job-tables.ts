import type { ColumnType, Generated } from 'kysely';
import type { Segmento } from '../job/generation-request.js';
import type { JobState } from '../job/job-state.js';
import type { Priority } from '../job/priority.js';

/** The tables of this library, as Kysely sees them. bigint and numeric columns come as text. */
export interface JobTables {
  generation_jobs: GenerationJobsTable;
  generation_job_events: GenerationJobEventsTable;
  generation_dead_entries: GenerationDeadEntriesTable;
  campaign_messages: CampaignMessagesTable;
}

type Json<T> = ColumnType<T, string, string>;
type Bigint = ColumnType<string, string | number, string | number>;
type NullableBigint = ColumnType<string | null, string | number | null, string | number | null>;

export interface GenerationJobsTable {
  id: string;
  tenant: string;
  campana_id: string;
  segmento: Json<Segmento>;
  segmento_hash: string;
  priority: Priority;
  source: 'intake' | 'api';
  idempotency_key: string | null;
  state: Generated<JobState>;
  attempt: Generated<number>;
  fence: NullableBigint;
  progress: Generated<number>;
  error_code: string | null;
  error: string | null;
  last_event: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  started_at: Date | null;
  retry_at: Date | null;
  finished_at: Date | null;
  dispatched_at: Date | null;
}

export interface GenerationJobEventsTable {
  job_id: string;
  number: number;
  type: string;
  data: Json<Readonly<Record<string, unknown>>>;
  at: Date;
}

export interface GenerationDeadEntriesTable {
  id: string;
  tenant: string;
  priority: Priority;
  entry: Buffer;
  entry_bytes: Bigint;
  reason: string;
  at: Generated<Date>;
}

export interface CampaignMessagesTable {
  tenant: string;
  campana_id: string;
  segmento_hash: string;
  segmento: Json<Segmento>;
  job_id: string;
  fence: Bigint;
  model: string;
  messages: Json<readonly { readonly numero: number; readonly texto: string; readonly tono: string }[]>;
  tokens_total: NullableBigint;
  cost_total_usd: ColumnType<string | null, string | null, string | null>;
  tiempo_total_ms: Bigint;
  fecha_generacion: Date;
}
