/** What a key may be used for. `admin` implies all of them. */
export const SCOPES = [
  'llm',
  'mcp',
  'proxy',
  'records',
  'sessions',
  'limits',
  'analytics',
  'temp',
  'etl',
  'jobs',
  'cache',
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

const ALL_SCOPES: ReadonlySet<Scope> = new Set(SCOPES);

export function isScope(text: string): text is Scope {
  return (ALL_SCOPES as ReadonlySet<string>).has(text);
}

/** The scopes that a key with these has in effect. */
export function effectiveScopes(granted: Iterable<Scope>): ReadonlySet<Scope> {
  const scopes = new Set(granted);
  return scopes.has('admin') ? ALL_SCOPES : scopes;
}
