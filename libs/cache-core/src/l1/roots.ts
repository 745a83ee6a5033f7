import { entryParts } from '../keyspace/companion.js';
import { TENANT_LITERAL, type Family } from '../keyspace/family.js';
import { versionKeys } from '../keyspace/version-key.js';

/**
 * What the keys begin with that L1 may hold or that such an entry depends on, as few beginnings as possible, none of which begins with another: Redis
 * refuses overlapping ones, and compares every key that anybody writes with each of them.
 */
export function rootsOf(families: readonly Family[], keyPrefix: string): readonly string[] {
  const held = families.filter(({ l1 }) => l1);
  if (held.length === 0) return [];
  const byFirst = new Map<string, Set<string>>();
  for (const { pattern } of held) {
    const beginning = pattern.split('{', 1)[0] as string;
    const first = `${beginning.split(':', 1)[0] as string}:`;
    const together = byFirst.get(first) ?? new Set<string>();
    byFirst.set(first, together.add(beginning));
  }
  const roots = [...byFirst].map(([first, together]) => (together.size === 1 ? ([...together][0] as string) : first));
  if (held.some(({ isolatedByIdentity }) => !isolatedByIdentity)) roots.push(`${TENANT_LITERAL}:`);
  for (const { label } of entryParts) roots.push(`${label}:`);
  roots.push(`${versionKeys.label}:`);
  return roots.map((root) => keyPrefix + root).toSorted();
}
