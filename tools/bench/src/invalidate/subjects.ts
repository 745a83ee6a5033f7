import type { StartSubject } from './invalidate-subject.js';
import { oursByFamily, oursByPattern, oursByTag } from './ours.js';
import { asyncCacheDedupeByReference, bentocacheByTag, keysAndDelete, scanAndDelete } from './peers.js';

/** By the name that stands in the table. */
export const SUBJECTS = {
  'ours, by tag': oursByTag,
  'ours, by family': oursByFamily,
  'bentocache, by tag': bentocacheByTag,
  'async-cache-dedupe, by reference': asyncCacheDedupeByReference,
  'ours, by pattern': oursByPattern,
  'SCAN 1000 + DEL': scanAndDelete,
  'KEYS + DEL': keysAndDelete,
} as const satisfies Readonly<Record<string, StartSubject>>;

export type SubjectName = keyof typeof SUBJECTS;
