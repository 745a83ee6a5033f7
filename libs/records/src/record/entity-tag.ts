import type { BusinessRecord } from './business-record.js';

/**
 * Names one state of one record. The time of its creation is in it, so that a record that was deleted and made anew under
 * the same id does not bear a tag that the old one bore.
 */
export function entityTag({ version, created_at }: Pick<BusinessRecord, 'version' | 'created_at'>): string {
  return `"${version}-${Date.parse(created_at).toString(36)}"`;
}

/** What a precondition asks for: any state (`*`), or one of some. */
export type Precondition = '*' | readonly string[];

const ENTITY_TAGS = /^(?:\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,|$))+$/;

/** Undefined where there is none. Null: it is no list of entity tags (RFC 9110, 13.1). */
export function precondition(header: string | undefined): Precondition | null | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (text === '*') return '*';
  if (!ENTITY_TAGS.test(text)) return null;
  return text.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** By strong comparison, as `If-Match` wants it: a weak tag matches nothing. */
export function matchesStrongly(wanted: Precondition, tag: string): boolean {
  return wanted === '*' || wanted.includes(tag);
}

/** By weak comparison, as `If-None-Match` wants it. */
export function matchesWeakly(wanted: Precondition, tag: string): boolean {
  return wanted === '*' || wanted.some((one) => one.replace(/^W\//, '') === tag);
}
