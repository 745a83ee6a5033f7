import { Keyring, resolveTtls, type CacheSettings, type TtlTable } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';

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
    keyring: keys,
    l1: memory.l1MaxBytes === 0 ? null : { maxBytes: memory.l1MaxBytes },
  };
}
