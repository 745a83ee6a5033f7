import type { ColumnType, Generated } from 'kysely';
import type { CachePolicy } from '../request/policy.js';

export interface PoliciesTable {
  name: string;
  match_provider: string | null;
  match_model: string | null;
  match_tenant: string | null;
  match_key_id: string | null;
  mode: CachePolicy['mode'];
  bucket: number | null;
  ttl_seconds: number | null;
  share: CachePolicy['share'];
  /** Written as JSON text. */
  semantic: ColumnType<CachePolicy['semantic'] | null, string | null, string | null>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  revision: Generated<string>;
}

export interface PolicyTables {
  llm_policies: PoliciesTable;
}
