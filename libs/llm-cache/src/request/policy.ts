/**
 * Which answers may be kept, decided per provider, model, tenant and key. Pure: the policies come from outside, in any
 * order, and the most specific one that matches wins.
 */

export type PolicyMode = 'all' | 'deterministic' | 'bucket' | 'off';

export interface PolicyMatch {
  readonly provider?: string;
  readonly model?: string;
  readonly tenant?: string;
  readonly keyId?: string;
}

export interface CachePolicy {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly mode: PolicyMode;
  /** Answers kept per request and served in rotation; only with mode `bucket`. */
  readonly bucket?: number;
  readonly ttlSeconds?: number;
  /** Between whom an answer is shared; part of the identity. */
  readonly share: 'tenant' | 'key' | 'all';
}

export interface PolicySubject {
  readonly provider: string;
  readonly model: string;
  readonly tenant: string;
  readonly keyId: string;
}

/** Applies where nothing more specific does: an identical request is an identical answer, within its tenant. */
export const DEFAULT_POLICY: CachePolicy = Object.freeze({
  name: 'default',
  match: Object.freeze({}),
  mode: 'all',
  share: 'tenant',
});

/** A single key is narrower than a tenant, a tenant narrower than a model, a model narrower than its provider. */
const WEIGHTS: Record<keyof PolicyMatch, number> = { keyId: 8, tenant: 4, model: 2, provider: 1 };
const FIELDS = Object.keys(WEIGHTS) as (keyof PolicyMatch)[];

export function choosePolicy(policies: readonly CachePolicy[], subject: PolicySubject): CachePolicy {
  let best = DEFAULT_POLICY;
  let bestRank = -1;
  for (const policy of policies) {
    const rank = specificity(policy.match, subject);
    // Equal ranks cannot be told apart by their match, so the name decides: the choice never depends on the order of rows.
    if (rank > bestRank || (rank === bestRank && policy.name < best.name)) {
      best = policy;
      bestRank = rank;
    }
  }
  return best;
}

/** -1 where a condition is not met; else higher for what is narrower. */
function specificity(match: PolicyMatch, subject: PolicySubject): number {
  let rank = 0;
  for (const field of FIELDS) {
    const wanted = match[field];
    if (wanted === undefined) continue;
    if (wanted !== subject[field]) return -1;
    rank += WEIGHTS[field];
  }
  return rank;
}

/** Does the policy let this request be answered from the cache, and its answer be stored? */
export function policyAllows(policy: CachePolicy, body: Readonly<Record<string, unknown>>): boolean {
  if (policy.mode !== 'deterministic') return policy.mode !== 'off';
  return body['temperature'] === 0 || Number.isInteger(body['seed']);
}
