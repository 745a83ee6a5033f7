import { companions, entryParts } from '../keyspace/companion.js';
import { DEFAULT_TENANT, type KeyRef } from '../keyspace/family.js';
import { colocate, literalGlob } from '../keyspace/physical-key.js';
import type { RecoveryRun } from '../redis/link.js';
import { loadScript } from '../redis/script.js';

const SWEEP = loadScript(new URL('./lua/sweep.lua', import.meta.url));
const KEYS_A_STEP = 500;

/** What all keys of one family and tenant begin with, KEY_PREFIX not included. */
export function rootOf({ family, tenant, key }: KeyRef): string {
  const literal = family.pattern.slice(0, family.pattern.indexOf('{'));
  if (family.isolatedByIdentity || tenant === DEFAULT_TENANT) return literal;
  // `tenant:{tenant}:`, in which the tenant's own text has no separator.
  const behindTenant = key.indexOf(':', key.indexOf(':') + 1) + 1;
  return key.slice(0, behindTenant) + literal;
}

/**
 * Removes all entries whose value keys begin with `root`, in bounded steps. For the journal, never on a request.
 *
 * Leases go first: a load that is in flight either finds its lease gone, or has stored its value before the values are
 * swept. Sidecars go before what they vouch for, so that nothing that is left over can be a hit.
 */
export async function sweepEntries(run: RecoveryRun, root: string, keyPrefix: string): Promise<void> {
  const { lease, sidecar } = companions;
  for (const { label } of [lease, sidecar]) await sweepPrefix(run, companionRoot(root, label, keyPrefix));
  await sweepPrefix(run, root);
  for (const { label } of entryParts) await sweepPrefix(run, companionRoot(root, label, keyPrefix));
}

/** What the companions of all keys begin with that begin with `root`. */
function companionRoot(root: string, label: string, keyPrefix: string): string {
  return colocate(root, label, keyPrefix).replace(/\}$/, '');
}

async function sweepPrefix(run: RecoveryRun, prefix: string): Promise<void> {
  const glob = `${literalGlob(prefix)}*`;
  let cursor = '0';
  do {
    cursor = String(await run(SWEEP, [], [cursor, glob, KEYS_A_STEP]));
  } while (cursor !== '0');
}
