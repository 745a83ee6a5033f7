/**
 * Where a text was cut into pieces, told by what a rule foretells: most pieces are as it says. Pieces of models are tokens,
 * and most tokens are a word with the space before it; pieces of a proxy are often what stands between two spaces.
 *
 * The text is that of JSON strings as they stand, escapes and UTF-8 included, in bytes.
 */

const SPACE = 0x20;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/** `\uXXXX` and, for instance, `\n`. */
const LONG_ESCAPE = 6;
const SHORT_ESCAPE = 2;
/** No rule looks further, or a text of one word would be read through for each of its pieces. */
const LONGEST_FORETOLD = 64;

/** @returns where the piece that begins at `from` is likely to end, behind `from` and not behind `to` */
export type CutRule = (text: Buffer, from: number, to: number) => number;

/** The rules by their numbers, which are stored: one may be added, none changed. */
export const CUT_RULES: readonly CutRule[] = [endOfWord, endOfToken].map(
  (rule) => (text, from, to) => rule(text, from, Math.min(to, from + LONGEST_FORETOLD)),
);

/** White space, and what follows up to the next. */
function endOfWord(text: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text, at)) at = next(text, at);
  while (at < to && !isBlank(text, at)) at = next(text, at);
  return Math.min(at, to);
}

/** A space, and characters of one kind. */
function endOfToken(text: Buffer, from: number, to: number): number {
  let at = from;
  if (text[at] === SPACE) at += 1;
  if (at >= to) return to;
  const kind = kindAt(text, at);
  do at = next(text, at);
  while (at < to && kindAt(text, at) === kind);
  return Math.min(at, to);
}

function next(text: Buffer, at: number): number {
  if (text[at] !== BACKSLASH) return at + 1;
  return at + (text[at + 1] === LETTER_U ? LONG_ESCAPE : SHORT_ESCAPE);
}

function isBlank(text: Buffer, at: number): boolean {
  return KINDS[text[at] as number] === BLANK || (text[at] === BACKSLASH && BLANK_ESCAPES.has(text[at + 1] as number));
}

function kindAt(text: Buffer, at: number): number {
  const byte = text[at] as number;
  if (byte !== BACKSLASH) return KINDS[byte] as number;
  const escaped = text[at + 1] as number;
  if (BLANK_ESCAPES.has(escaped)) return BLANK;
  return escaped === LETTER_U ? LETTER : SIGN;
}

const BLANK = 0;
const LETTER = 1;
const DIGIT = 2;
const SIGN = 3;
const BLANK_ESCAPES = new Set([...'nrt'].map((letter) => letter.charCodeAt(0)));

/** Of each byte; those of letters beyond ASCII count as letters. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (byte <= SPACE) return BLANK;
  if (/[0-9]/.test(character)) return DIGIT;
  return byte >= 0x80 || /[A-Za-z]/.test(character) ? LETTER : SIGN;
});
