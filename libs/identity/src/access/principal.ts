import { effectiveScopes, type Scope } from './scope.js';

/** Who is asking, as the presented key says. One object per key, shared by all its requests. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  /** The name under which the key's use is counted. */
  readonly client: string;
  /** What it may do; complete, so that `admin` needs no case of its own. */
  readonly scopes: ReadonlySet<Scope>;
  readonly plan: string;
  /** Sees and manages every tenant. */
  readonly admin: boolean;
}

export const DEFAULT_TENANT = 'default';
export const DEFAULT_PLAN = 'standard';
const UNLIMITED_PLAN = 'unlimited';
export const PLANS: readonly string[] = [DEFAULT_PLAN, UNLIMITED_PLAN];

export function principalOf(facts: {
  tenant: string;
  keyId: string;
  client: string;
  scopes: Iterable<Scope>;
  plan: string;
}): Principal {
  const scopes = effectiveScopes(facts.scopes);
  return Object.freeze({ ...facts, scopes, admin: scopes.has('admin') });
}

/** The holder of ADMIN_API_KEY. */
export const ADMINISTRATOR: Principal = principalOf({
  tenant: DEFAULT_TENANT,
  keyId: 'admin',
  client: 'admin',
  scopes: ['admin'],
  plan: UNLIMITED_PLAN,
});

/** Who a request without a key is, where ANONYMOUS_SCOPES says that it may do something; null where it may not. */
export function anonymousPrincipal(scopes: readonly Scope[]): Principal | null {
  if (scopes.length === 0) return null;
  return principalOf({ tenant: DEFAULT_TENANT, keyId: 'anonymous', client: 'anonymous', scopes, plan: DEFAULT_PLAN });
}
