/**
 * How long keys live, resolved once from the documented defaults and the process's variables.
 *
 * `TTL_<FAMILY_ID>` (dots as `_`) sets one family. A broad variable sets the families whose documented TTL is that variable's documented default
 * and which it means: SESSION_TTL sessions and preferences, LLM_CACHE_TTL responses and embeddings, RATE_LIMIT_TTL the user's hour window,
 * ANALYTICS_TTL the hourly and daily history, TEMP_DATA_TTL exports and uploads, REDIS_TTL `app:{key}`. The narrow variable wins.
 */
import { catalogue } from './keyspace.js';
import type { Family, TtlVariable } from './family.js';
import { KeyspaceError } from './keyspace-error.js';

const BROAD: Readonly<Record<TtlVariable, true>> = {
  SESSION_TTL: true,
  LLM_CACHE_TTL: true,
  RATE_LIMIT_TTL: true,
  ANALYTICS_TTL: true,
  TEMP_DATA_TTL: true,
  REDIS_TTL: true,
};

/** Variable names with seconds. */
export type TtlOverrides = Readonly<Record<string, number | undefined>>;

export interface TtlTable {
  /** Seconds, or `null` where each write says (expiry `caller`) or the key stays (`never`). */
  of(family: Family): number | null;
  /** By family id. */
  readonly seconds: Readonly<Record<string, number | null>>;
}

/** The variable that sets this family alone. */
export function ttlVariableOf(family: Family): string {
  return `TTL_${family.id.replaceAll('.', '_').toUpperCase()}`;
}

/** All variables that `resolveTtls` understands. */
export function ttlVariables(): readonly string[] {
  return [...Object.keys(BROAD), ...settable().map((family) => ttlVariableOf(family))];
}

export function resolveTtls(overrides: TtlOverrides = {}): TtlTable {
  refuseUnknown(overrides);
  const seconds: Record<string, number | null> = {};
  for (const family of catalogue.families) seconds[family.id] = resolve(family, overrides);
  Object.freeze(seconds);
  return Object.freeze({
    seconds,
    of: (family: Family) => seconds[family.id] ?? null,
  });
}

function resolve(family: Family, overrides: TtlOverrides): number | null {
  if (family.ttlSeconds === null) return null;
  for (const variable of [ttlVariableOf(family), family.ttlVariable]) {
    const wanted = variable === undefined ? undefined : overrides[variable];
    if (variable === undefined || wanted === undefined) continue;
    const { min, max } = family.ttlRange;
    if (Number.isInteger(wanted) && wanted >= min && wanted <= max) return wanted;
    throw new KeyspaceError(
      'ttl_range',
      `${variable}: got ${wanted}, takes a whole number of seconds ${min === max ? `that is ${min}` : `from ${min} to ${max}`} (family ${family.id})`,
      { family: family.id },
    );
  }
  return family.ttlSeconds;
}

function refuseUnknown(overrides: TtlOverrides): void {
  const known = new Set(ttlVariables());
  const unknown = Object.keys(overrides).find((name) => overrides[name] !== undefined && !known.has(name));
  if (unknown === undefined) return;
  throw new KeyspaceError(
    'ttl_unknown',
    `${unknown}: no family with a TTL of its own has this name; see docs/keyspace.md`,
  );
}

function settable(): readonly Family[] {
  return catalogue.families.filter((family) => family.ttlSeconds !== null);
}
