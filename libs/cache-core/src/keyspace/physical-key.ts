/**
 * Where a logical key lies on a server: behind KEY_PREFIX, and in a slot of a cluster.
 *
 * Logical keys never hold a brace (segments escape them), so only KEY_PREFIX can bring a hash tag.
 */
import calculateSlot from 'cluster-key-slot';
import { KeyspaceError } from './keyspace-error.js';

/** A prefix may hold one whole hash tag (then all keys share a slot) or no brace at all. */
export function checkKeyPrefix(prefix: string): void {
  const bare = prefix.replace(/\{[^{}]+\}/, '');
  if (/[{}]/.test(bare)) {
    throw new KeyspaceError(
      'key_prefix',
      `KEY_PREFIX ${JSON.stringify(prefix)} has a brace that is no part of one whole hash tag such as {app}`,
    );
  }
}

export function physicalKey(prefix: string, key: string): string {
  return prefix + key;
}

/** The logical key, or `undefined` for a key of somebody else. */
export function logicalKey(prefix: string, physical: string): string | undefined {
  return physical.startsWith(prefix) ? physical.slice(prefix.length) : undefined;
}

/** The glob of Redis that matches this text and no other. */
export function literalGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}

/**
 * A key beside another, in the same cluster slot: `meta` beside `llm_cache:7f…` is `meta:{llm_cache:7f…}`.
 *
 * A key that already has a hash tag keeps it (`meta::{app}:x`). A key whose braces are no tag (or an empty one) cannot be wrapped,
 * because a tag ends at the first `}`; such a key gets a number as tag that lies in its slot. The character after the label's colon
 * tells the three forms apart, so no two keys share a companion. `prefix` is the KEY_PREFIX that the key already carries;
 * the companion carries it too.
 */
export function colocate(physical: string, label: string, prefix = ''): string {
  if (hashTagOf(physical) !== undefined) return `${prefix}${label}::${physical}`;
  if (physical !== '' && !physical.includes('}')) return `${prefix}${label}:{${physical}}`;
  return `${prefix}${label}:~{${numberInSlot(calculateSlot(physical))}}${physical}`;
}

/** The inverse of `colocate`: what lies beside what. */
export function companionSubject(companion: string, label: string, prefix = ''): string | undefined {
  const lead = `${prefix}${label}:`;
  if (!companion.startsWith(lead)) return undefined;
  const rest = companion.slice(lead.length);
  const subject = rest.startsWith(':')
    ? rest.slice(1)
    : rest.startsWith('{')
      ? rest.slice(1, -1)
      : rest.replace(/^~\{\d+\}/, '');
  return colocate(subject, label, prefix) === companion ? subject : undefined;
}

/** What Redis Cluster hashes instead of the whole key: between the first `{` and the first `}` after it, if anything is there. */
function hashTagOf(key: string): string | undefined {
  const open = key.indexOf('{');
  if (open < 0) return undefined;
  const close = key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : undefined;
}

/** The first numbers found for each slot; complete after some 160,000 of them. */
const numbersBySlot = new Map<number, number>();
let nextNumber = 0;

function numberInSlot(slot: number): number {
  for (;;) {
    const known = numbersBySlot.get(slot);
    if (known !== undefined) return known;
    const found = calculateSlot(String(nextNumber));
    if (!numbersBySlot.has(found)) numbersBySlot.set(found, nextNumber);
    nextNumber++;
  }
}
