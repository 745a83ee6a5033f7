/**
 * Finds members of a JSON object by their place in the text, so that one can be cut out literally: what remains, or the
 * member's value alone, is byte for byte what the writer sent, whatever its spacing and its numbers.
 */

export interface Span {
  readonly from: number;
  readonly to: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The bytes to leave out of `text[from, to)`, which must be valid JSON, so that its top-level member `name` is gone,
 * provided that the member occurs exactly once and its value is the literal `value`. Null otherwise.
 */
export function spanOfMember(text: Buffer, from: number, to: number, name: string, value: string): Span | null {
  const member = onlyMember(text, from, to, name);
  if (member === null || text.toString('latin1', member.valueFrom, member.valueTo) !== value) return null;
  const { keyFrom, valueTo, commaBefore, next } = member;
  if (commaBefore !== -1) return { from: commaBefore, to: valueTo };
  return text[next] === COMMA ? { from: keyFrom, to: skipSpace(text, next + 1, to) } : { from: keyFrom, to: valueTo };
}

/** Where the value of the top-level member `name` stands in `text[from, to)`, which must be valid JSON; null unless it occurs exactly once. */
export function valueOfMember(text: Buffer, from: number, to: number, name: string): Span | null {
  const member = onlyMember(text, from, to, name);
  return member === null ? null : { from: member.valueFrom, to: member.valueTo };
}

interface Member {
  readonly keyFrom: number;
  readonly valueFrom: number;
  readonly valueTo: number;
  /** -1: it is the first. */
  readonly commaBefore: number;
  /** What follows it: a comma or the closing brace. */
  readonly next: number;
}

function onlyMember(text: Buffer, from: number, to: number, name: string): Member | null {
  let at = skipSpace(text, from, to);
  if (text[at] !== OPEN_BRACE) return null;
  at++;
  let found: Member | null = null;
  let commaBefore = -1;
  for (;;) {
    const keyFrom = skipSpace(text, at, to);
    if (text[keyFrom] !== QUOTE) return found;
    const keyTo = endOfString(text, keyFrom);
    const valueFrom = skipSpace(text, skipSpace(text, keyTo, to) + 1, to);
    const valueTo = endOfValue(text, valueFrom, to);
    const next = skipSpace(text, valueTo, to);
    if (JSON.parse(text.toString('utf8', keyFrom, keyTo)) === name) {
      // Twice the same name: which of them a reader keeps is his choice, so neither is ours to take.
      if (found !== null) return null;
      found = { keyFrom, valueFrom, valueTo, commaBefore, next };
    }
    if (text[next] !== COMMA) return found;
    commaBefore = next;
    at = next + 1;
  }
}

function skipSpace(text: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && (text[at] === 0x20 || text[at] === 0x09 || text[at] === 0x0a || text[at] === 0x0d)) at++;
  return at;
}

/** Just past the closing quote of the string that begins at `from`. */
function endOfString(text: Buffer, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endOfValue(text: Buffer, from: number, to: number): number {
  let depth = 0;
  let at = from;
  while (at < to) {
    const byte = text[at];
    if (byte === QUOTE) {
      at = endOfString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (
      depth === 0 &&
      (byte === COMMA || byte === COLON || byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
    ) {
      return at;
    }
    at++;
  }
  return at;
}
