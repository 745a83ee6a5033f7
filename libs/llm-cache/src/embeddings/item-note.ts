/**
 * What is known of a kept vector beside its numbers. Kept in the sidecar's note, since the family's value is the vector
 * alone: version, form, tokens (`-` where unknown) and model (percent-encoded, `-` where unknown or too long), between `|`.
 */
import type { VectorForm } from '../protocol/embeddings/answer.js';

export interface ItemFacts {
  readonly form: VectorForm;
  /** Its share of what the provider counted. */
  readonly tokens: number | null;
  /** That answered. */
  readonly model: string | null;
}

const VERSION = '1';
const UNKNOWN = '-';
const MAX_LENGTH = 256;
const FORMS: Readonly<Record<string, VectorForm>> = { b: 'base64', f: 'float' };

export function encodeItemNote({ form, tokens, model }: ItemFacts): string {
  const head = `${VERSION}|${form === 'base64' ? 'b' : 'f'}|${tokens ?? UNKNOWN}|`;
  const name = model === null || model === UNKNOWN ? UNKNOWN : encodeURIComponent(model.toWellFormed());
  return head + (head.length + name.length > MAX_LENGTH ? UNKNOWN : name);
}

/** Null for a note of another version or of another hand. */
export function decodeItemNote(note: string): ItemFacts | null {
  const [version, letter = '', tokens = '', model = '', ...more] = note.split('|');
  const form = FORMS[letter];
  if (version !== VERSION || form === undefined || more.length > 0 || model === '') return null;
  if (tokens !== UNKNOWN && !/^\d{1,15}$/.test(tokens)) return null;
  try {
    const named = model === UNKNOWN ? null : decodeURIComponent(model);
    return { form, tokens: tokens === UNKNOWN ? null : Number(tokens), model: named };
  } catch {
    return null; // not written by us
  }
}
