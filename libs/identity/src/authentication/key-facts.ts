import type { Database } from '@promptsales/database';
import { sql } from 'kysely';
import { principalOf } from '../access/principal.js';
import { isScope } from '../access/scope.js';
import type { IdentityTables } from '../identity-tables.js';
import type { KnownKey } from './key-table.js';

/** A key as one snapshot of the database has it. */
export interface KeyFact {
  readonly digest: string;
  /** Null when it is revoked or expired. */
  readonly known: KnownKey | null;
}

/** Keys together with the state of the clock in the same snapshot. */
export interface Snapshot {
  readonly revision: number;
  readonly epoch: number;
  readonly keys: readonly KeyFact[];
}

/** Where keys are read from. The one implementation asks PostgreSQL; tests have another. */
export interface KeySource {
  /** The keys with these digests, as far as they exist. */
  byDigest(digests: readonly string[]): Promise<Snapshot>;
  /** The next `most` changes after `revision`, in their order. */
  changedAfter(revision: number, most: number): Promise<Snapshot & { readonly lastRevision: number | null }>;
}

interface Row {
  clock_revision: string;
  clock_epoch: string;
  revision: string | null;
  id: string;
  hash: Buffer;
  tenant: string;
  client: string;
  scopes: string[];
  plan: string;
  expires_at: Date | null;
  revoked_at: Date | null;
}

/** How long a question about keys may take. Longer counts as "PostgreSQL does not answer". */
export const ANSWER_WITHIN_MS = 1000;

/** Reads keys on the control connections, so that a busy pool does not delay a revocation. */
export class DatabaseKeySource implements KeySource {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async byDigest(digests: readonly string[]): Promise<Snapshot> {
    const hashes = digests.map((digest) => Buffer.from(digest, 'hex'));
    return snapshot(
      await this.#ask(sql<Row>`
        select c.revision as clock_revision, c.epoch as clock_epoch, k.*
        from identity_clock c left join api_keys k on k.hash = any(${hashes})`),
    );
  }

  async changedAfter(revision: number, most: number): Promise<Snapshot & { readonly lastRevision: number | null }> {
    const rows = await this.#ask(sql<Row>`
      select c.revision as clock_revision, c.epoch as clock_epoch, k.*
      from identity_clock c left join lateral (
        select * from api_keys where revision > ${revision} order by revision limit ${most}
      ) k on true
      order by k.revision`);
    const last = rows.length < most ? null : (rows.at(-1)?.revision ?? null);
    return { ...snapshot(rows), lastRevision: last === null ? null : Number(last) };
  }

  async #ask(query: ReturnType<typeof sql<Row>>): Promise<Row[]> {
    const database = this.#database;
    const result = await database.withDeadline(ANSWER_WITHIN_MS, () =>
      query.execute(database.control<IdentityTables>()),
    );
    return result.rows;
  }
}

/** The clock has one row, so there is always one; without a key its columns are null. */
function snapshot(rows: readonly Row[]): Snapshot {
  const [first] = rows;
  if (first === undefined) throw new Error('identity_clock has lost its row; restore it from a backup');
  return {
    revision: Number(first.clock_revision),
    epoch: Number(first.clock_epoch),
    keys: rows.filter((row) => row.revision !== null).map(factOf),
  };
}

function factOf(row: Row): KeyFact {
  const expiresAt = row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY;
  const valid = row.revoked_at === null && expiresAt > Date.now();
  return {
    digest: row.hash.toString('hex'),
    known: valid
      ? {
          principal: principalOf({
            tenant: row.tenant,
            keyId: row.id,
            client: row.client,
            scopes: row.scopes.filter(isScope),
            plan: row.plan,
          }),
          expiresAt,
        }
      : null,
  };
}
