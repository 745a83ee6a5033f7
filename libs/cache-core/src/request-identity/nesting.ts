/** No provider's schema comes near it, and a recursion this deep is far from the stack's end. */
export const DEEPEST_NESTING = 512;

const BACKSLASH = 0x5c;

/**
 * Where a JSON text (or what should be one) nests deeper than `DEEPEST_NESTING`, else -1.
 *
 * Nearly every body has fewer braces and brackets, strings included, than it takes to be too deep, and hopping from one to the next is
 * all that is done for it.
 */
export function tooDeepAt(text: string): number {
  return occurrences(text, '{') + occurrences(text, '[') <= DEEPEST_NESTING ? -1 : measuredTooDeepAt(text);
}

/** How often, counted no further than matters. */
function occurrences(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0 && count <= DEEPEST_NESTING; at = text.indexOf(character, at + 1))
    count++;
  return count;
}

function measuredTooDeepAt(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '}' || character === ']') depth--;
    else if ((character === '{' || character === '[') && ++depth > DEEPEST_NESTING) return at;
  }
  return -1;
}

/** The closing quote of the string that opens at `open`, or the text's length where there is none. */
export function endOfString(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}
