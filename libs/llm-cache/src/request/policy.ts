/**
 * Which answers may be kept and for whom, decided per provider, model, tenant and key. Pure: the policies come from
 * outside, and the most specific one that matches wins.
 */

export const POLICY_MODES = ['all', 'deterministic', 'bucket', 'off'] as const;
export type PolicyMode = (typeof POLICY_MODES)[number];

export const POLICY_SHARES = ['tenant', 'key', 'all'] as const;
export type PolicyShare = (typeof POLICY_SHARES)[number];

export interface PolicyMatch {
  readonly provider?: string;
  readonly model?: string;
  readonly tenant?: string;
  readonly keyId?: string;
}

/** Answers that were given to questions which mean the same. */
export interface SemanticPolicy {
  readonly enabled: boolean;
  /** Of the answers that are served so, at most this share may be wrong. */
  readonly delta: number;
  readonly embedder: 'lexical' | { readonly baseUrl: string; readonly model: string };
}

export interface CachePolicy {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly mode: PolicyMode;
  /** Answers kept per request and served in rotation; only with mode `bucket`. */
  readonly bucket?: number;
  readonly ttlSeconds?: number;
  /** Between whom an answer is shared; part of the identity. */
  readonly share: PolicyShare;
  /** @default off */
  readonly semantic?: SemanticPolicy;
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
export const MATCH_MEMBERS = Object.keys(WEIGHTS) as (keyof PolicyMatch)[];

/** Policies that ask for the same members of a subject, by what these must be. */
interface Shape {
  readonly members: readonly (keyof PolicyMatch)[];
  readonly rank: number;
  readonly policies: Map<string, CachePolicy>;
}

/**
 * Policies as they are looked at for every request: one look for each combination of members that any of them matches by
 * (sixteen at most, none where there is only the default), however many policies there are.
 */
export class PolicyTable {
  readonly #shapes: readonly Shape[];
  readonly #otherwise: CachePolicy;

  /** Of two policies that match alike the later one wins; but any of them wins over one that is called `default`. */
  constructor(policies: readonly CachePolicy[]) {
    const shapes = new Map<number, Shape>();
    let otherwise = policies.find(({ name }) => name === DEFAULT_POLICY.name) ?? DEFAULT_POLICY;
    for (const policy of policies) {
      const members = MATCH_MEMBERS.filter((member) => policy.match[member] !== undefined);
      if (members.length === 0) {
        if (policy.name !== DEFAULT_POLICY.name) otherwise = policy;
        continue;
      }
      const rank = members.reduce((sum, member) => sum + WEIGHTS[member], 0);
      const shape = shapes.get(rank) ?? { members, rank, policies: new Map<string, CachePolicy>() };
      shapes.set(rank, shape);
      shape.policies.set(valuesOf(policy.match, members), policy);
    }
    this.#shapes = [...shapes.values()].toSorted((one, other) => other.rank - one.rank);
    this.#otherwise = otherwise;
  }

  choose(subject: PolicySubject): CachePolicy {
    for (const { members, policies } of this.#shapes) {
      const policy = policies.get(valuesOf(subject, members));
      if (policy !== undefined) return policy;
    }
    return this.#otherwise;
  }
}

/** As one text in which no value can run into the next. */
function valuesOf(of: PolicyMatch, members: readonly (keyof PolicyMatch)[]): string {
  const [first] = members;
  if (members.length === 1 && first !== undefined) return of[first] ?? '';
  return JSON.stringify(members.map((member) => of[member]));
}

/** Does the policy let this request be answered from the cache, and its answer be stored? */
export function policyAllows(policy: CachePolicy, body: Readonly<Record<string, unknown>>): boolean {
  if (policy.mode !== 'deterministic') return policy.mode !== 'off';
  return body['temperature'] === 0 || Number.isInteger(body['seed']);
}

/** How many answers to one request the policy keeps apart. */
export function answersKept({ mode, bucket = 1 }: CachePolicy): number {
  return mode === 'bucket' ? bucket : 1;
}
