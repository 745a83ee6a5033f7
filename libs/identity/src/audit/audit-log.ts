import { Inject, Injectable } from '@nestjs/common';
import { Database } from '@promptsales/database';
import { cursorBehind, pageOf, type Page, type PageRequest } from '@promptsales/http-edge';
import type { Kysely, Transaction } from 'kysely';
import type { Principal } from '../access/principal.js';
import type { IdentityTables } from '../identity-tables.js';
import { sequenceIn } from '../paging/sequence-cursor.js';

/** Who did it, for the log. */
export interface Actor {
  readonly principal: Principal;
  /** The id of the request, as it stands in logs and traces. */
  readonly requestId: string | null;
}

/** One administrative act. */
export interface Act {
  readonly actor: { readonly principal: Pick<Principal, 'keyId' | 'tenant'>; readonly requestId: string | null };
  /** Whom it concerns. */
  readonly tenant: string;
  /** `api_key.create`, `plan.update`: what was done to which kind of thing. */
  readonly action: string;
  /** `api_key:ID`. */
  readonly target: string;
  /** What else is worth knowing. Never a secret: this is shown. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly actorKeyId: string;
  readonly actorTenant: string;
  readonly tenant: string;
  readonly action: string;
  readonly target: string;
  readonly requestId: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What administrators did. An entry is written in the transaction of its act: neither is there without the other. */
@Injectable()
export class AuditLog {
  readonly #database: Database;

  constructor(@Inject(Database) database: Database) {
    this.#database = database;
  }

  /** Takes the transaction of any library, since all tables are in one database. */
  async write<Tables>(transaction: Transaction<Tables>, act: Act): Promise<void> {
    const { principal, requestId } = act.actor;
    await (transaction as unknown as Kysely<IdentityTables>)
      .insertInto('audit_log')
      .values({
        actor_key_id: principal.keyId,
        actor_tenant: principal.tenant,
        tenant: act.tenant,
        action: act.action,
        target: storable(act.target),
        request_id: requestId,
        detail: JSON.stringify(act.detail ?? {}, (_name, value: unknown) =>
          typeof value === 'string' ? storable(value) : value,
        ),
      })
      .execute();
  }

  /** Newest first; `tenant` null for all of them. */
  async list(tenant: string | null, { limit, cursor }: PageRequest): Promise<Page<AuditEntry>> {
    let query = this.#database
      .as<IdentityTables>()
      .selectFrom('audit_log')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (tenant !== null) query = query.where('tenant', '=', tenant);
    if (cursor !== undefined) query = query.where('id', '<', sequenceIn(cursor));
    return pageOf(
      await query.execute(),
      limit,
      ({ id }) => cursorBehind(id),
      (row) => ({
        id: row.id,
        at: row.at,
        actorKeyId: row.actor_key_id,
        actorTenant: row.actor_tenant,
        tenant: row.tenant,
        action: row.action,
        target: row.target,
        requestId: row.request_id,
        detail: row.detail,
      }),
    );
  }
}

/** A line of the log must not fail its act for what PostgreSQL cannot hold in a text: NUL, half a surrogate pair. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
