import type { RedisTopology } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';

/** A topology that is asked for and not spoken yet, or none at all. */
export class RedisAddressError extends Error {
  readonly code = 'redis_address';

  constructor(message: string) {
    super(message);
    this.name = 'RedisAddressError';
  }
}

/** Where the keyspace's roles live, as the environment says. */
export function redisTopology({ redis }: Environment): RedisTopology {
  if (redis.clusterNodes !== null || redis.sentinels !== null) {
    const variable = redis.clusterNodes === null ? 'REDIS_SENTINELS' : 'REDIS_CLUSTER_NODES';
    throw new RedisAddressError(`${variable}: this version connects to single servers; give REDIS_URL instead.`);
  }
  if (redis.url === null) {
    throw new RedisAddressError('REDIS_URL: is not set; it takes redis://[user:password@]host[:port][/database].');
  }
  const urls = Object.entries(redis.urlByRole).map(([role, url]) => [role, url.reveal()] as const);
  return {
    url: redis.url.reveal(),
    layout: redis.layout,
    urls: Object.fromEntries(urls),
    databases: redis.databaseByRole,
    ...(redis.password === null ? {} : { password: redis.password.reveal() }),
    tls: redis.tls,
    times: { retryReads: redis.retryOnTimeout },
  };
}
