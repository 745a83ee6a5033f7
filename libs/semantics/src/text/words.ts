/** A text as words: what all that judges texts without a model is built on. */

export interface Word {
  /** Compatibility-folded (NFKC) and in lower case; a number in plain digits. */
  readonly text: string;
  readonly number: boolean;
  /** Written as names are: a capital that no sentence begins with, capitals inside, or letters and digits mixed. */
  readonly name: boolean;
}

/** Digits with their separators and what is glued to them; letters, marks and digits; `c++` and `c#` are words, too. */
const WORD = /\p{N}+(?:[.,]\p{N}+)*\p{L}*|\p{L}[\p{L}\p{M}\p{N}]*(?:'\p{L}+)?(?:\+\+|#)?/gu;
const SENTENCE_END = /[.!?:\n"“(]\s*$/u;
const INNER_CAPITAL = /\p{L}\p{Lu}/u;
const DIGIT = /\p{N}/u;
const CAPITAL = /^\p{Lu}/u;

/** What a contraction stands for. Others, such as a genitive, lose what follows the apostrophe. */
const CONTRACTED: Readonly<Record<string, string>> = { re: 'are', ll: 'will', ve: 'have', m: 'am', d: 'would' };

export function wordsOf(text: string): Word[] {
  const plain = text.normalize('NFKC').replaceAll(/[’‘ʼ]/gu, "'");
  const found = [...plain.matchAll(WORD)];
  const capitals = found.filter(([raw]) => CAPITAL.test(raw)).length;
  // Where nearly every word has a capital, a capital says nothing.
  const title = found.length > 2 && capitals > found.length * 0.7;
  const words: Word[] = [];
  for (const { 0: raw, index } of found) {
    const first = index === 0 || SENTENCE_END.test(plain.slice(Math.max(0, index - 3), index));
    const inner = INNER_CAPITAL.test(raw) && !title;
    const capital = CAPITAL.test(raw) && !first && !title && raw !== 'I' && !raw.startsWith("I'");
    push(words, raw.toLowerCase(), capital || inner);
  }
  return words;
}

function push(words: Word[], raw: string, name: boolean): void {
  if (DIGIT.test(raw[0] ?? '')) {
    pushNumber(words, raw);
    return;
  }
  const spelled = SPELLED.get(raw);
  if (spelled !== undefined) {
    words.push({ text: spelled, number: true, name: false });
    return;
  }
  const at = raw.indexOf("'");
  if (at < 0) {
    words.push({ text: raw, number: false, name: name || DIGIT.test(raw) });
    return;
  }
  const head = raw.slice(0, at);
  const tail = raw.slice(at + 1);
  if (tail === 't' && head.endsWith('n')) {
    const verb = IRREGULAR.get(head) ?? head.slice(0, -1);
    words.push({ text: verb, number: false, name: false }, { text: 'not', number: false, name: false });
    return;
  }
  words.push({ text: head, number: false, name });
  const meant = CONTRACTED[tail] ?? (tail === 's' && IS_BEFORE.has(head) ? 'is' : undefined);
  if (meant !== undefined) words.push({ text: meant, number: false, name: false });
}

/** `30k` is 30000, `1,000` is 1000, `2nd` is 2; what else is glued to a number is a word of its own. */
function pushNumber(words: Word[], raw: string): void {
  const digits = /^[\p{N}.,]+/u.exec(raw)?.[0] ?? raw;
  const unit = raw.slice(digits.length);
  const plain = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(digits) ? digits.replaceAll(',', '') : digits;
  const value = unit === 'k' && Number.isFinite(Number(plain)) ? String(Number(plain) * 1000) : plain;
  words.push({ text: value, number: true, name: false });
  if (unit !== '' && unit !== 'k' && !ORDINAL.has(unit)) words.push({ text: unit, number: false, name: false });
}

const ORDINAL: ReadonlySet<string> = new Set(['st', 'nd', 'rd', 'th']);
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ['can', 'can'],
  ['won', 'will'],
  ['shan', 'shall'],
  ['ain', 'is'],
]);
const IS_BEFORE: ReadonlySet<string> = new Set('what who where when why how it he she that there here let'.split(' '));
/** Not `one`, which is more often a pronoun. */
const SPELLED: ReadonlyMap<string, string> = new Map(
  ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'].map(
    (word, at) => [word, String(at + 2)] as const,
  ),
);
