/** A long text becomes at most so many. */
const MAX_PIECES = 1000;

/** Cuts before white space, so that no character is ever divided; joined, the pieces are the text. */
export function pieces(text: string): string[] {
  const words = text.match(/\s*\S+|\s+$/g) ?? [];
  if (words.length <= MAX_PIECES) return words;
  const perPiece = Math.ceil(words.length / MAX_PIECES);
  const grouped: string[] = [];
  for (let at = 0; at < words.length; at += perPiece) grouped.push(words.slice(at, at + perPiece).join(''));
  return grouped;
}
