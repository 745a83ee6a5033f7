import {
  catalogue,
  Keyring,
  resolveTtls,
  ROLES,
  ttlVariableOf,
  type CacheSettings,
  type Family,
  type LoadingOptions,
  type TtlTable,
} from '@promptsales/cache-core';
import { EnvironmentError, type Environment, type VariableProblem } from '@promptsales/environment';

/** How long each family's keys live, with the variables that were given a value. */
export function ttlTable({ ttl, given }: Environment): TtlTable {
  const broad: readonly (readonly [string, number])[] = [
    ['REDIS_TTL', ttl.appValueSeconds],
    ['SESSION_TTL', ttl.sessionSeconds],
    ['LLM_CACHE_TTL', ttl.llmCacheSeconds],
    ['RATE_LIMIT_TTL', ttl.rateLimitSeconds],
    ['ANALYTICS_TTL', ttl.analyticsSeconds],
    ['TEMP_DATA_TTL', ttl.tempDataSeconds],
  ];
  const narrow = Object.entries(ttl.secondsByFamily).map(([family, seconds]) => [`TTL_${family}`, seconds] as const);
  return resolveTtls(Object.fromEntries([...broad.filter(([name]) => given.has(name)), ...narrow]));
}

export function keyring({ identity }: Environment): Keyring {
  return new Keyring(identity.encryptionKeys.reveal());
}

export function cacheSettings(environment: Environment, ttls: TtlTable, keys: Keyring): Partial<CacheSettings> {
  const { codec, memory, redis } = environment;
  const seconds = Object.entries(ttls.seconds).flatMap(([family, ttl]) =>
    ttl === null ? [] : [[family, ttl] as const],
  );
  return {
    keyPrefix: redis.keyPrefix,
    compressAbove: codec.compression ? codec.compressionThresholdBytes : null,
    ttls: Object.fromEntries(seconds),
    loading: loadingByFamily(environment),
    keyring: keys,
    l1: memory.l1MaxBytes === 0 ? null : { maxBytes: memory.l1MaxBytes },
  };
}

const FAMILIES: ReadonlyMap<string, Family> = new Map(
  catalogue.families.map((family) => [ttlVariableOf(family).replace(/^TTL_/, ''), family]),
);

/** @throws EnvironmentError for families whose values do not age so */
function loadingByFamily({ loading }: Environment): Record<string, LoadingOptions> {
  const given = [
    ['CACHE_FRESH_', 'freshSeconds', loading.freshSecondsByFamily],
    ['CACHE_GRACE_', 'graceSeconds', loading.graceSecondsByFamily],
    ['CACHE_LOAD_TIMEOUT_MS_', 'hardTimeoutMs', loading.loadTimeoutMsByFamily],
  ] as const;
  const options: Record<string, LoadingOptions> = {};
  const problems: VariableProblem[] = [];
  for (const [prefix, option, values] of given) {
    for (const [spelling, value] of Object.entries<number | undefined>(values)) {
      const family = FAMILIES.get(spelling);
      if (family === undefined) continue; // Warned about where names are read.
      const problem = whyNotLoaded(family);
      if (problem === null) options[family.id] = { ...options[family.id], [option]: value };
      else problems.push({ variable: `${prefix}${spelling}`, found: `got ${value}`, takes: problem });
    }
  }
  if (problems.length > 0) throw new EnvironmentError(problems);
  return options;
}

function whyNotLoaded({ id, role }: Family): string | null {
  if (!ROLES[role].evictable) return `values of ${id} are no copies, and are never loaded`;
  // See the gateway: what a request takes for fresh it says itself.
  return id === 'llm.response' ? 'answers of models age as each request says (max-age, stale-while-revalidate)' : null;
}
