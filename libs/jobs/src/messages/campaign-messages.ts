import type { Database } from '@promptsales/database';
import type { Selectable } from 'kysely';
import type { CampaignMessage } from '../job/campaign-message.js';
import type { Segmento } from '../job/generation-request.js';
import type { CampaignMessagesTable, JobTables } from '../store/job-tables.js';

/** The messages of one segment, and what their generation took. */
export interface SegmentMessages {
  readonly campanaId: string;
  readonly segmento: Segmento;
  readonly segmentoHash: string;
  readonly jobId: string;
  readonly fence: number;
  readonly model: string;
  readonly messages: readonly CampaignMessage[];
  readonly tokensTotal: number | null;
  readonly costTotalUsd: number | null;
  readonly tookMs: number;
  readonly generatedAt: Date;
}

/** Messages of campaigns as they stand in PostgreSQL. */
export class CampaignMessages {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async of(tenant: string, campanaId: string, segmentoHash: string): Promise<SegmentMessages | null> {
    const row = await this.#rows(tenant, campanaId).where('segmento_hash', '=', segmentoHash).executeTakeFirst();
    return row === undefined ? null : messagesOf(row);
  }

  /** By the hash of their segment, from the one behind `after`. */
  async page(tenant: string, campanaId: string, limit: number, after: string | null): Promise<SegmentMessages[]> {
    let query = this.#rows(tenant, campanaId).orderBy('segmento_hash').limit(limit);
    if (after !== null) query = query.where('segmento_hash', '>', after);
    return (await query.execute()).map(messagesOf);
  }

  #rows(tenant: string, campanaId: string) {
    return this.#database
      .as<JobTables>()
      .selectFrom('campaign_messages')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('campana_id', '=', campanaId);
  }
}

function messagesOf(row: Selectable<CampaignMessagesTable>): SegmentMessages {
  return {
    campanaId: row.campana_id,
    segmento: row.segmento,
    segmentoHash: row.segmento_hash,
    jobId: row.job_id,
    fence: Number(row.fence),
    model: row.model,
    messages: row.messages,
    tokensTotal: row.tokens_total === null ? null : Number(row.tokens_total),
    costTotalUsd: row.cost_total_usd === null ? null : Number(row.cost_total_usd),
    tookMs: Number(row.tiempo_total_ms),
    generatedAt: row.fecha_generacion,
  };
}
