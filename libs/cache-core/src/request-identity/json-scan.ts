/**
 * One pass over a JSON text for what parsing hides: how many colons stand outside strings (more than there are properties after parsing means
 * duplicate names), whether every number is one that a double holds, whether an escape could be a lone surrogate, and how
 * deep it nests.
 *
 * The text need not be JSON: the scan ends on anything, and parsing says what is wrong. It allocates nothing on the way.
 */
import { doubleHolds } from './json-number.js';

/** No provider's schema comes near it, and a recursion this deep is far from the stack's end. */
export const DEEPEST_NESTING = 512;

export interface JsonScan {
  readonly colons: number;
  readonly numbersHold: boolean;
  /** False when certainly no string has a lone surrogate; true when the strings must be looked at. */
  readonly maybeLoneSurrogates: boolean;
  /** Where the text nests deeper than `DEEPEST_NESTING`, else -1. */
  readonly tooDeepAt: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Up to so many characters and without an exponent, a number has at most 15 digits: a double holds all of those. */
const SURELY_HELD = 15;

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

export function scanJson(text: string): JsonScan {
  let colons = 0;
  let depth = 0;
  let numbersHold = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === COLON) {
      colons++;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > DEEPEST_NESTING) return { colons, numbersHold, maybeLoneSurrogates: true, tooDeepAt: at };
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const end = endOfNumber(text, at);
      if (numbersHold && !holds(text, at, end)) numbersHold = false;
      at = end - 1;
    }
  }
  const maybeLoneSurrogates = text.includes('\\u') && SURROGATE_ESCAPE.test(text);
  return { colons, numbersHold, maybeLoneSurrogates, tooDeepAt: -1 };
}

/** The closing quote of the string that opens at `open`, or the end of the text. */
function endOfString(text: string, open: number): number {
  let from = open + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const digit = code >= ZERO && code <= NINE;
    // . e E + -
    if (!digit && code !== 0x2e && code !== 0x65 && code !== 0x45 && code !== 0x2b && code !== MINUS) break;
  }
  return at;
}

function holds(text: string, start: number, end: number): boolean {
  if (end - start <= SURELY_HELD) {
    let exponent = false;
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x65 || code === 0x45) exponent = true;
    }
    if (!exponent) return true;
  }
  return doubleHolds(text.slice(start, end));
}
