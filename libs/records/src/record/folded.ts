const MOST_WORDS = 200;
const LONGEST_WORD = 64;
/** Some characters become many: what goes into an index has a bound. */
const LONGEST = 300;

/** Without case and accents, so that whoever looks for `pena` finds `Peña`, and names stand where people look for them. */
export function folded(text: string): string {
  return cut(plainly(text), LONGEST);
}

/** The words of a text, folded. */
export function wordsOf(text: string): readonly string[] {
  const plain = plainly(text);
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => cut(word, LONGEST_WORD));
}

function plainly(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase();
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : text.slice(0, longest).replace(/[\ud800-\udbff]$/, '');
}

/** What a record can be found by: the words of the texts that stand in its fields, each once. */
export function searchWords(values: readonly unknown[]): readonly string[] {
  const words = new Set<string>();
  for (const value of values) {
    if (typeof value !== 'string') continue;
    for (const word of wordsOf(value)) {
      words.add(word);
      if (words.size === MOST_WORDS) return [...words];
    }
  }
  return [...words];
}
