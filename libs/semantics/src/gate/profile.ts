/** What of a text the gate looks at, computed once and kept beside its vector. */
import { FUNCTION_WORDS } from '../text/function-words.js';
import { SIDES } from '../text/polarity.js';
import { wordsOf } from '../text/words.js';

export interface TextProfile {
  readonly length: number;
  /** All words in order. */
  readonly words: readonly string[];
  /** Their stems in order. */
  readonly stems: readonly string[];
  /** Stems of the words that carry meaning, in order, numbers included. */
  readonly content: readonly string[];
  readonly contentSet: ReadonlySet<string>;
  readonly wordSet: ReadonlySet<string>;
  readonly numbers: readonly string[];
  readonly names: readonly string[];
  readonly negated: boolean;
  /** By axis, the side that it takes; 0 where it takes both. */
  readonly sides: ReadonlyMap<number, -1 | 0 | 1>;
  /** The word that asks, such as `who`; empty where none does. */
  readonly question: string;
}

const NEGATIONS: ReadonlySet<string> = new Set(
  'not no never none nobody nothing neither nor without cannot hardly nunca jamás sin ni nadie nada ninguno ninguna ningún'.split(
    ' ',
  ),
);
const QUESTIONS: ReadonlySet<string> = new Set(
  'who whom whose what which when where why how qué quién cuándo dónde cómo cuál cuánto cuántos'.split(' '),
);

export function profileOf(text: string): TextProfile {
  const found = wordsOf(text);
  const words = found.map((word) => word.text);
  const content: string[] = [];
  const sides = new Map<number, -1 | 0 | 1>();
  for (const { text: word, number } of found) {
    if (!NEGATIONS.has(word) && !FUNCTION_WORDS.has(word)) content.push(number ? word : stemOf(word));
    for (const [axis, side] of SIDES.get(word) ?? SIDES.get(stemOf(word)) ?? []) {
      const taken = sides.get(axis);
      sides.set(axis, taken === undefined || taken === side ? side : 0);
    }
  }
  return {
    length: text.length,
    words,
    stems: found.map(({ text: word, number }) => (number ? word : stemOf(word))),
    content,
    contentSet: new Set(content),
    wordSet: new Set(words.flatMap((word) => [word, stemOf(word)])),
    numbers: found.filter((word) => word.number).map((word) => word.text),
    names: found.filter((word) => word.name).map((word) => word.text),
    negated: words.some((word) => NEGATIONS.has(word)),
    sides,
    question: words.find((word) => QUESTIONS.has(word)) ?? '',
  };
}

/** Plurals alone (Harman, "How effective is suffixing?", JASIS 42, 1991): more would make one of what differs. */
export function stemOf(word: string): string {
  if (word.length < 4 || !word.endsWith('s')) return word;
  if (word.endsWith('ies')) return /[ae]ies$/.test(word) ? word : `${word.slice(0, -3)}y`;
  if (word.endsWith('es')) return /[aeo]es$/.test(word) ? word : word.slice(0, -1);
  return /[us]s$/.test(word) ? word : word.slice(0, -1);
}
