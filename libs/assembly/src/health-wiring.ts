import { ROLES, type RedisLink, type RedisRoles } from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import type { DatabaseProbe, RedisEndpoint, RedisServers, UpstreamKind } from '@promptsales/health';

/** Health's view of our connections to Redis. */
export function redisServers(roles: RedisRoles): RedisServers {
  const endpoints = roles.links().map((link) => endpointOf(roles, link));
  return { endpoints: () => endpoints };
}

function endpointOf(roles: RedisRoles, link: RedisLink): RedisEndpoint {
  return {
    roles: roles.rolesOf(link).map((name) => ({ name, mayBeEvicted: ROLES[name].evictable })),
    get up() {
      return link.up;
    },
    get lastError() {
      return link.lastError;
    },
    info: (withinMs) => link.read((client) => client.info(), withinMs),
  };
}

/** Health's view of PostgreSQL. */
export function databaseProbe(database: Database): DatabaseProbe {
  return {
    ping: async () => {
      await database.ping();
    },
  };
}

export function upstreamKind({ upstream }: Environment): UpstreamKind {
  if (upstream.simulated) return 'simulated';
  return upstream.openAiBaseUrl === null ? 'none' : 'configured';
}
