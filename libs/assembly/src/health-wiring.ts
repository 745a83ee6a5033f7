import { ROLES, type RedisLink, type RedisNode, type RedisRoles } from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import type { DatabaseProbe, RedisEndpoint, RedisRole, RedisServers, UpstreamKind } from '@promptsales/health';

/** Health's view of our connections to Redis: each server that takes writes, and a cluster that lacks some of its own. */
export function redisServers(roles: RedisRoles): RedisServers {
  return { endpoints: () => roles.links().flatMap((link) => endpointsOf(roles, link)) };
}

function endpointsOf(roles: RedisRoles, link: RedisLink): RedisEndpoint[] {
  const nodes = link.nodes();
  const named = roles.rolesOf(link).map((name) => ({ name, mayBeEvicted: ROLES[name].evictable }));
  const endpoints = nodes.map((node) => endpointOf(named, node, (withinMs) => infoOf(node, withinMs)));
  // Slots that no node serves are nobody's fault but the cluster's.
  if (link.up || nodes.some((node) => !node.up)) return endpoints;
  return [...endpoints, endpointOf(named, link, () => Promise.reject(new Error('not connected')))];
}

function endpointOf(
  roles: readonly RedisRole[],
  { up, lastError }: RedisLink,
  info: RedisEndpoint['info'],
): RedisEndpoint {
  return { roles, up, lastError, info };
}

const infoOf = (node: RedisNode, withinMs: number): Promise<string> => node.read((client) => client.info(), withinMs);

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
