import type { KeyRef } from './family.js';
import { physicalKey } from './physical-key.js';

/**
 * Where a key lies. In a cluster the family's `slotBy` is a hash tag, so that scripts can take all keys of one subject
 * together: `ratelimit:{crm}:mcp:minute:…`. A KEY_PREFIX that brings a tag has put all keys into one slot already.
 */
export function placedKey(prefix: string, ref: Pick<KeyRef, 'family' | 'key'>, clustered: boolean): string {
  return clustered ? slotKey(prefix, ref) : physicalKey(prefix, ref.key);
}

/** As in a cluster. */
export function slotKey(prefix: string, { family, key }: Pick<KeyRef, 'family' | 'key'>): string {
  const { slotBy, tokens } = family;
  if (slotBy === undefined || prefix.includes('{')) return physicalKey(prefix, key);
  const parts = key.split(':');
  // A tenant stands in front.
  const at = parts.length - tokens.length + tokens.findIndex((token) => 'segment' in token && token.segment === slotBy);
  // `{}` is no tag.
  if (parts[at] === '') return physicalKey(prefix, key);
  parts[at] = `{${parts[at]}}`;
  return physicalKey(prefix, parts.join(':'));
}
