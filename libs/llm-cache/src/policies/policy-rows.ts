import { sql, type Kysely, type Selectable } from 'kysely';
import type { CachePolicy, PolicyMatch } from '../request/policy.js';
import type { PoliciesTable, PolicyTables } from './policy-tables.js';

export interface StoredPolicy extends CachePolicy {
  readonly createdAt: string;
  readonly updatedAt: string;
}

type Tables = Kysely<PolicyTables>;

export async function findPolicy(db: Tables, name: string): Promise<StoredPolicy | null> {
  const row = await db.selectFrom('llm_policies').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? null : policyOf(row);
}

/** By name, from the one after `after`. */
export async function listPolicies(db: Tables, after: string | null, limit: number): Promise<StoredPolicy[]> {
  let query = db.selectFrom('llm_policies').selectAll().orderBy('name').limit(limit);
  if (after !== null) query = query.where('name', '>', after);
  return (await query.execute()).map(policyOf);
}

export async function writePolicy(db: Tables, policy: CachePolicy): Promise<StoredPolicy> {
  const { name, match, mode, bucket = null, ttlSeconds = null, share, semantic } = policy;
  const written = {
    match_provider: match.provider ?? null,
    match_model: match.model ?? null,
    match_tenant: match.tenant ?? null,
    match_key_id: match.keyId ?? null,
    mode,
    bucket,
    ttl_seconds: ttlSeconds,
    share,
    semantic: semantic === undefined ? null : JSON.stringify(semantic),
  };
  const row = await db
    .insertInto('llm_policies')
    .values({ name, ...written })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ ...written, updated_at: sql<Date>`clock_timestamp()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return policyOf(row);
}

export async function deletePolicy(db: Tables, name: string): Promise<void> {
  await db.deleteFrom('llm_policies').where('name', '=', name).execute();
}

export function policyOf(row: Selectable<PoliciesTable>): StoredPolicy {
  const { name, mode, bucket, ttl_seconds: ttlSeconds, share, semantic } = row;
  return {
    name,
    match: matchOf(row),
    mode,
    share,
    ...(bucket === null ? {} : { bucket }),
    ...(ttlSeconds === null ? {} : { ttlSeconds }),
    ...(semantic === null || semantic === undefined ? {} : { semantic }),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function matchOf(row: Selectable<PoliciesTable>): PolicyMatch {
  const { match_provider: provider, match_model: model, match_tenant: tenant, match_key_id: keyId } = row;
  return {
    ...(provider === null ? {} : { provider }),
    ...(model === null ? {} : { model }),
    ...(tenant === null ? {} : { tenant }),
    ...(keyId === null ? {} : { keyId }),
  };
}
