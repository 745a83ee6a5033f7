import { hash } from 'node:crypto';

/**
 * The text of one variable segment inside a key.
 *
 * Injective for every JavaScript string: two different inputs never give the same text, and no text contains a
 * separator (`:`), a glob character, a brace or white space, so it cannot be read as another segment or another family.
 *
 * - What could be read as a separator or a glob, white space and control characters become `%XX` for each UTF-8 byte.
 * - `%` itself is escaped, so every `%` in an encoded text begins an escape.
 * - A lone surrogate becomes the three escaped bytes that generalised UTF-8 (WTF-8) gives it. They never occur in
 *   well-formed UTF-8, so they meet no other text.
 * - A text that would be longer than `LONGEST_SEGMENT_BYTES` becomes `%~` and the SHA-256 of that longer text. `%~` is
 *   no escape, so an abbreviated segment meets no plain one; it is apart from its peers as far as SHA-256 is.
 */

/** Longer encoded segments are abbreviated. Documented names and ids are far below it; 10 kB of hostile text is not. */
export const LONGEST_SEGMENT_BYTES = 512;

const MUST_ESCAPE = /[:*?[\]{}\\%\s\p{Cc}\p{Cs}]/gu;
const NEEDS_ESCAPE = /[:*?[\]{}\\%\s\p{Cc}\p{Cs}]/u;
const ABBREVIATED = /^%~[0-9a-f]{64}$/;

export function encodeSegmentText(text: string): string {
  const escaped = NEEDS_ESCAPE.test(text) ? text.replaceAll(MUST_ESCAPE, escapeCharacter) : text;
  // A UTF-16 unit is at most three UTF-8 bytes, so most segments are known to be short without measuring them.
  if (escaped.length * 3 <= LONGEST_SEGMENT_BYTES || Buffer.byteLength(escaped) <= LONGEST_SEGMENT_BYTES)
    return escaped;
  return `%~${hash('sha256', escaped, 'hex')}`;
}

/**
 * The input that `encodeSegmentText` turned into this text, or `undefined` where it cannot be told: the text is abbreviated,
 * or no input gives it (a key that somebody else wrote in a form of their own).
 */
export function decodeSegmentText(encoded: string): string | undefined {
  if (!encoded.includes('%')) return encodeSegmentText(encoded) === encoded ? encoded : undefined;
  const decoded = unescape(encoded);
  return decoded !== undefined && encodeSegmentText(decoded) === encoded ? decoded : undefined;
}

export function isAbbreviated(encoded: string): boolean {
  return ABBREVIATED.test(encoded);
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return percent(code);
  if (code < 0x800) return percent(0xc0 | (code >> 6)) + percent(0x80 | (code & 0x3f));
  // Nothing to be escaped lies above the basic plane, and a lone surrogate takes this form too.
  return percent(0xe0 | (code >> 12)) + percent(0x80 | ((code >> 6) & 0x3f)) + percent(0x80 | (code & 0x3f));
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

const ESCAPE_RUN = /(?:%[0-9A-F]{2})+/g;

function unescape(encoded: string): string | undefined {
  let whole = true;
  const text = encoded.replaceAll(ESCAPE_RUN, (run) => {
    const characters = decodeGeneralisedUtf8(Buffer.from(run.replaceAll('%', ''), 'hex'));
    if (characters === undefined) whole = false;
    return characters ?? '';
  });
  return whole ? text : undefined;
}

/** UTF-8 of the basic plane, lone surrogates included: all that `escapeCharacter` ever writes. */
function decodeGeneralisedUtf8(bytes: Buffer): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] ?? 0;
    const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : 3;
    if (at + size > bytes.length) return undefined;
    const second = (bytes[at + 1] ?? 0) & 0x3f;
    const third = (bytes[at + 2] ?? 0) & 0x3f;
    if (size === 1) text += String.fromCharCode(lead);
    else if (size === 2) text += String.fromCharCode(((lead & 0x1f) << 6) | second);
    else text += String.fromCharCode(((lead & 0x0f) << 12) | (second << 6) | third);
    at += size;
  }
  return text;
}
