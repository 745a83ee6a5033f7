import type { VersionPairs } from './versions.js';

/**
 * What a lease's key holds: who loads, and under which versions of the entry's subjects, as `token` or
 * `token ["subject","version",…]`. Scripts compare it as a whole.
 *
 * Whoever reads a lease joins its load only while each of those versions is still the current one: else a subject was
 * invalidated after the load had begun.
 */
export interface LeaseMark {
  /** Names the flight; without spaces. */
  readonly token: string;
  readonly versions: VersionPairs;
  /** As it lies in Redis. */
  readonly text: string;
}

export function markOf(token: string, versions: VersionPairs): LeaseMark {
  return { token, versions, text: versions.length === 0 ? token : `${token} ${JSON.stringify(versions)}` };
}

/** Reads what lies at a lease's key. Pairs that cannot be read equal no version: such a lease is waited for by nobody. */
export function readMark(text: string): LeaseMark {
  const space = text.indexOf(' ');
  if (space < 0) return { token: text, versions: [], text };
  const token = text.slice(0, space);
  try {
    const versions: unknown = JSON.parse(text.slice(space + 1));
    if (Array.isArray(versions) && versions.every((one) => typeof one === 'string')) return { token, versions, text };
  } catch {
    // Falls through: of another hand, or of a version to come.
  }
  return { token, versions: ['unreadable', ''], text };
}
