import type { RedisHome, RedisRoles, RedisTopology } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';

/** Nothing says where Redis is. */
export class RedisAddressError extends Error {
  readonly code = 'redis_address';

  constructor(message: string) {
    super(message);
    this.name = 'RedisAddressError';
  }
}

/** Where the keyspace's roles live, as the environment says. */
export function redisTopology({ redis }: Environment): RedisTopology {
  const urls = Object.entries(redis.urlByRole).map(([role, url]) => [role, url.reveal()] as const);
  return {
    ...homeOf(redis),
    layout: redis.layout,
    urls: Object.fromEntries(urls),
    databases: redis.databaseByRole,
    ...(redis.password === null ? {} : { password: redis.password.reveal() }),
    tls: redis.tls,
    times: { retryReads: redis.retryOnTimeout, commandTimeoutMs: redis.commandTimeoutMs },
  };
}

function homeOf(redis: Environment['redis']): RedisHome {
  const { clusterNodes, sentinels, sentinelName, sentinelPassword, url } = redis;
  if (clusterNodes !== null) return { cluster: clusterNodes };
  if (sentinels !== null) {
    return {
      sentinels,
      primaryName: sentinelName ?? '',
      ...(sentinelPassword === null ? {} : { sentinelPassword: sentinelPassword.reveal() }),
    };
  }
  if (url !== null) return { url: url.reveal() };
  throw new RedisAddressError('REDIS_URL: is not set; it takes redis://[user:password@]host[:port][/database].');
}

/** The process would open more than it may. */
export class RedisConnectionsError extends Error {
  readonly code = 'redis_connections';

  constructor(limit: number, links: number, own: number, needed: number) {
    super(
      `REDIS_MAX_CONNECTIONS: got ${limit}, and ${needed} are needed: ${links} ${links === 1 ? 'database' : 'databases'} with a connection each for commands and for subscriptions${own === 0 ? '' : `, and ${own} for the queue of jobs`}. Raise it, or let roles share a database (REDIS_LAYOUT=single).`,
    );
    this.name = 'RedisConnectionsError';
  }
}

const CONNECTIONS_PER_LINK = 2;

/** A link has one connection for commands and at most one for subscriptions, so the bound can be kept by refusing to begin. */
export function checkConnections({ redis }: Environment, roles: RedisRoles, own = 0): void {
  const links = roles.links().length;
  const needed = links * CONNECTIONS_PER_LINK + own;
  if (needed > redis.maxConnections) throw new RedisConnectionsError(redis.maxConnections, links, own, needed);
}
