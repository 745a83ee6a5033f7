/**
 * How nearly two texts are the same sentence: in order, and but for what seldom changes what is asked. Of labelled pairs that
 * differ by articles alone fewer are different questions than of pairs with the most similar vectors.
 */
import type { TextProfile } from './profile.js';

const wordSet = (words: string): ReadonlySet<string> => new Set(words.split(' '));

const ARTICLES = wordSet('a an the el la los las un una unos unas');
/** Articles, auxiliaries, prepositions, particles. */
const GRAMMAR = wordSet(
  'a an the is are was were be do does did can could would will should of and some there to in for on so really that ' +
    'this these those el la los las un una unos unas es son era de en por para y que este esta estos estas',
);
/** Whom it is about: `I` is not `you`. */
const PERSONS = wordSet(
  'i me my we us our you your he him his she her they them their people one yo mi tu tus su sus nos',
);

/** In which way two texts are the same, the nearest way first. */
export const FORMS = ['identical', 'articles', 'number', 'grammar', 'content'] as const;
export type Form = (typeof FORMS)[number];

export interface Likeness {
  /** Null: they are no such sentences. */
  readonly form: Form | null;
  readonly otherPersons: boolean;
}

export function likenessOf(asked: TextProfile, stored: TextProfile): Likeness {
  const odd = differing(asked.words, stored.words);
  return { form: formOf(asked, stored, odd), otherPersons: odd.some((word) => PERSONS.has(word)) };
}

function formOf(asked: TextProfile, stored: TextProfile, odd: readonly string[]): Form | null {
  if (inOrder(asked.words, stored.words)) return 'identical';
  if (inOrder(withoutArticles(asked.words), withoutArticles(stored.words))) return 'articles';
  if (inOrder(withoutArticles(asked.stems), withoutArticles(stored.stems))) return 'number';
  if (!inOrder(asked.content, stored.content)) return null;
  return odd.every((word) => GRAMMAR.has(word)) ? 'grammar' : 'content';
}

/** Whether one goes on where the other ends: what a conversation or an agent's notes in one text look like a turn later. */
export function continues(one: readonly string[], other: readonly string[]): boolean {
  if (one.length === other.length) return false;
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  return inOrder(shorter, longer.slice(0, shorter.length));
}

function withoutArticles(words: readonly string[]): readonly string[] {
  return words.filter((word) => !ARTICLES.has(word));
}

function inOrder(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, at) => word === other[at]);
}

/** The words that one has more often than the other. */
function differing(one: readonly string[], other: readonly string[]): readonly string[] {
  const balance = new Map<string, number>();
  for (const word of one) balance.set(word, (balance.get(word) ?? 0) + 1);
  for (const word of other) balance.set(word, (balance.get(word) ?? 0) - 1);
  return [...balance].filter(([, count]) => count !== 0).map(([word]) => word);
}
