import type { RedisRole } from '../probes/dependencies.js';
import type { RedisFigures } from './redis-info.js';

/**
 * Memory pressure on a Redis server that evicts takes sessions, counters and locks as readily as cached answers: the
 * databases of one server share one policy. Roles that must not lose keys therefore want `noeviction`.
 */
export type EvictionFinding =
  /** Nothing is evicted that must not be, and evictable roles are evicted as expected. */
  | { readonly kind: 'safe' }
  /** Redis does not say (a hosted service that hides it). */
  | { readonly kind: 'unknown' }
  /** Keys of these roles could be evicted. */
  | { readonly kind: 'unsafe'; readonly roles: readonly string[]; readonly policy: string }
  /** Evictable roles lie on a server with a limit and another policy than the one that is expected. */
  | { readonly kind: 'unexpected'; readonly policy: string; readonly expected: string };

export function checkEviction(
  figures: RedisFigures,
  roles: readonly RedisRole[],
  expectedPolicy: string,
): EvictionFinding {
  const { maxMemoryBytes, maxMemoryPolicy: policy } = figures;
  if (policy === null) return { kind: 'unknown' };
  // Without a limit nothing is evicted, whatever the policy says.
  if (maxMemoryBytes === null) return { kind: 'safe' };
  const durable = roles.filter((role) => !role.mayBeEvicted).map((role) => role.name);
  if (policy !== 'noeviction' && durable.length > 0) return { kind: 'unsafe', roles: durable, policy };
  if (policy !== expectedPolicy && roles.some((role) => role.mayBeEvicted)) {
    return { kind: 'unexpected', policy, expected: expectedPolicy };
  }
  return { kind: 'safe' };
}

/** The finding in a sentence that says what to do; null when there is nothing to say. */
export function explainEviction(finding: EvictionFinding): string | null {
  if (finding.kind === 'unsafe') {
    return `Redis may evict keys of ${finding.roles.join(', ')} (maxmemory-policy ${finding.policy}): give these roles a server with noeviction (REDIS_URL_<ROLE>)`;
  }
  if (finding.kind === 'unexpected') {
    return `Redis has maxmemory-policy ${finding.policy} where MAX_MEMORY_POLICY expects ${finding.expected}`;
  }
  return null;
}
