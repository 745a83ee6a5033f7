import type { Database } from '@promptsales/database';
import { cursorBehind, pageOf, type Page, type PageRequest } from '@promptsales/http-edge';
import type { Kysely, Selectable } from 'kysely';
import { DEFAULT_PLAN } from '../access/principal.js';
import { isScope } from '../access/scope.js';
import type { Actor, AuditLog } from '../audit/audit-log.js';
import type { ApiKeysTable, IdentityTables } from '../identity-tables.js';
import { sequenceIn } from '../paging/sequence-cursor.js';
import type { ApiKey, ApiKeyDraft } from './api-key.js';
import { newKey } from './key-format.js';

/** Keys in PostgreSQL. Each change is one transaction with its line in the audit log. */
export class KeyStore {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database, audit: AuditLog) {
    this.#database = database;
    this.#audit = audit;
  }

  /** Answers the key itself too, which nobody can ask for again. */
  async create(actor: Actor, draft: ApiKeyDraft): Promise<{ apiKey: ApiKey; key: string }> {
    const { id, key, hash } = newKey();
    const scopes = [...new Set(draft.scopes)];
    const apiKey = await this.#db.transaction().execute(async (transaction) => {
      const row = await transaction
        .insertInto('api_keys')
        .values({
          id,
          hash,
          name: draft.name,
          tenant: draft.tenant,
          client: draft.client ?? draft.name,
          scopes,
          plan: draft.plan ?? DEFAULT_PLAN,
          created_by: actor.principal.keyId,
          expires_at: draft.expiresAt ?? null,
          revoked_at: null,
          revoked_by: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      const created = apiKeyOf(row);
      const { name, client, plan, expiresAt } = created;
      await this.#audit.write(transaction, {
        actor,
        tenant: created.tenant,
        action: 'api_key.create',
        target: `api_key:${id}`,
        detail: { name, client, scopes, plan, expires_at: expiresAt?.toISOString() ?? null },
      });
      return created;
    });
    return { apiKey, key };
  }

  /** For whom a key was ever made. */
  async tenants(): Promise<readonly string[]> {
    const rows = await this.#db.selectFrom('api_keys').select('tenant').distinct().orderBy('tenant').execute();
    return rows.map(({ tenant }) => tenant);
  }

  async find(id: string, tenant: string | null): Promise<ApiKey | null> {
    let query = this.#db.selectFrom('api_keys').selectAll().where('id', '=', id);
    if (tenant !== null) query = query.where('tenant', '=', tenant);
    const row = await query.executeTakeFirst();
    return row === undefined ? null : apiKeyOf(row);
  }

  /** Newest first; `tenant` null for all of them. Revoked keys stay listed. */
  async list(tenant: string | null, { limit, cursor }: PageRequest): Promise<Page<ApiKey>> {
    let query = this.#db
      .selectFrom('api_keys')
      .selectAll()
      .orderBy('sequence', 'desc')
      .limit(limit + 1);
    if (tenant !== null) query = query.where('tenant', '=', tenant);
    if (cursor !== undefined) query = query.where('sequence', '<', sequenceIn(cursor));
    return pageOf(await query.execute(), limit, ({ sequence }) => cursorBehind(sequence), apiKeyOf);
  }

  /** False when there is no such key. Revoking again changes nothing and is no act. */
  revoke(actor: Actor, id: string, tenant: string | null): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      let query = transaction.selectFrom('api_keys').selectAll().where('id', '=', id).forUpdate();
      if (tenant !== null) query = query.where('tenant', '=', tenant);
      const row = await query.executeTakeFirst();
      if (row === undefined) return false;
      if (row.revoked_at !== null) return true;
      await transaction
        .updateTable('api_keys')
        .set({ revoked_at: new Date(), revoked_by: actor.principal.keyId })
        .where('id', '=', id)
        .execute();
      await this.#audit.write(transaction, {
        actor,
        tenant: row.tenant,
        action: 'api_key.revoke',
        target: `api_key:${id}`,
        detail: { name: row.name, client: row.client },
      });
      return true;
    });
  }

  get #db(): Kysely<IdentityTables> {
    return this.#database.as<IdentityTables>();
  }
}

function apiKeyOf(row: Selectable<ApiKeysTable>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    tenant: row.tenant,
    client: row.client,
    scopes: row.scopes.filter(isScope),
    plan: row.plan,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
