import { logicalKey } from './physical-key.js';
import { slotKey } from './placed-key.js';
import { changeKeys } from './change-keys.js';
import { companions, type Companion } from './companion.js';
import type { ParsedKey } from './catalogue.js';
import { parseKey } from './keyspace.js';
import { queueKeys } from './queue-keys.js';
import { versionKeys } from './version-key.js';

/** What a key on a server is. */
export type KeyKind =
  | { readonly kind: 'value'; readonly key: string; readonly parsed: ParsedKey }
  /** `subject`: the physical key that it lies beside. */
  | { readonly kind: 'companion'; readonly companion: Companion; readonly subject: string }
  /** Versions of what is invalidated as a whole, what processes tell each other, and BullMQ's queues. */
  | { readonly kind: 'platform' }
  /** Begins as our keys do, and belongs to no family. */
  | { readonly kind: 'unknown' }
  /** Does not begin with KEY_PREFIX: somebody else's, on a server that is shared. */
  | { readonly kind: 'outside' };

/** What a key is without the hash tag that its family gives it in a cluster. */
function ofSlotKey(tagged: string): { readonly key: string; readonly parsed: ParsedKey } | null {
  const [, lead, tag, rest] = /^((?:[^{}]*:)?)\{([^{}]+)\}((?::[^{}]*)?)$/.exec(tagged) ?? [];
  if (lead === undefined || tag === undefined || rest === undefined) return null;
  const key = lead + tag + rest;
  const parsed = parseKey(key);
  return parsed !== null && slotKey('', { family: parsed.family, key }) === tagged ? { key, parsed } : null;
}

const COMPANIONS = Object.values(companions);

export function kindOfKey(physical: string, prefix = ''): KeyKind {
  const key = logicalKey(prefix, physical);
  if (key === undefined) return { kind: 'outside' };
  const parsed = parseKey(key);
  if (parsed !== null) return { kind: 'value', key, parsed };
  const inSlot = ofSlotKey(key);
  if (inSlot !== null) return { kind: 'value', ...inSlot };
  for (const companion of COMPANIONS) {
    const subject = companion.subjectOf(physical, prefix);
    if (subject !== undefined) return { kind: 'companion', companion, subject };
  }
  const ofPlatform =
    physical === changeKeys.at(prefix) ||
    versionKeys.subjectOf(physical, prefix) !== undefined ||
    queueKeys.holds(physical, prefix);
  return { kind: ofPlatform ? 'platform' : 'unknown' };
}
