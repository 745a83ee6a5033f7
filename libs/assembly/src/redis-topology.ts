import type { RedisRoles, RedisTopology } from '@promptsales/cache-core';
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

/** The process would open more than it may. */
export class RedisConnectionsError extends Error {
  readonly code = 'redis_connections';

  constructor(limit: number, links: number, needed: number) {
    super(
      `REDIS_MAX_CONNECTIONS: got ${limit}, and ${needed} are needed: ${links} ${links === 1 ? 'database' : 'databases'} with a connection each for commands and for subscriptions. Raise it, or let roles share a database (REDIS_LAYOUT=single).`,
    );
    this.name = 'RedisConnectionsError';
  }
}

const CONNECTIONS_PER_LINK = 2;

/** A link has one connection for commands and at most one for subscriptions, so the bound can be kept by refusing to begin. */
export function checkConnections({ redis }: Environment, roles: RedisRoles): void {
  const links = roles.links().length;
  const needed = links * CONNECTIONS_PER_LINK;
  if (needed > redis.maxConnections) throw new RedisConnectionsError(redis.maxConnections, links, needed);
}
