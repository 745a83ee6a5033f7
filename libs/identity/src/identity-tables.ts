import type { ColumnType, Generated } from 'kysely';

/** The tables of this library, as Kysely sees them. bigint columns come as text. */
export interface IdentityTables {
  identity_clock: IdentityClockTable;
  api_keys: ApiKeysTable;
  audit_log: AuditLogTable;
}

type ReadOnly<T> = ColumnType<T, never, never>;

/** One row. Counts changes of keys, so that a process can ask for those that it has not seen. */
export interface IdentityClockTable {
  revision: ReadOnly<string>;
  epoch: ReadOnly<string>;
}

export interface ApiKeysTable {
  id: ColumnType<string, string, never>;
  sequence: ReadOnly<string>;
  hash: ColumnType<Buffer, Buffer, never>;
  name: string;
  tenant: string;
  client: string;
  scopes: string[];
  plan: string;
  created_at: Generated<Date>;
  created_by: string;
  expires_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  revision: ReadOnly<string>;
}

export interface AuditLogTable {
  id: ReadOnly<string>;
  at: ReadOnly<Date>;
  actor_key_id: ColumnType<string, string, never>;
  actor_tenant: ColumnType<string, string, never>;
  tenant: ColumnType<string, string, never>;
  action: ColumnType<string, string, never>;
  target: ColumnType<string, string, never>;
  request_id: ColumnType<string | null, string | null, never>;
  detail: ColumnType<Record<string, unknown>, string, never>;
}
