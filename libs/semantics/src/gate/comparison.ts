/**
 * What speaks against two texts asking for the same.
 *
 * - Objections forbid to serve one's answer for the other, however near their vectors are and whatever has been learnt.
 * - Reservations forbid it as long as the two wordings are not known to ask for the same.
 * - Features weigh in the estimate of the probability that the answer is right.
 */
import { continues, FORMS, likenessOf, type Form } from './forms.js';
import type { TextProfile } from './profile.js';

export type Objection = 'empty' | 'numbers' | 'negation' | 'polarity' | 'continued';
export type Reservation = 'names' | 'order' | 'content';

export interface Comparison {
  readonly objections: readonly Objection[];
  readonly reservations: readonly Reservation[];
  readonly form: Form | null;
  /** In the order of `TEXT_FEATURES`. */
  readonly features: readonly number[];
}

export const TEXT_FEATURES = [
  'similarity',
  'shared content',
  'content only in the question',
  'content only in the stored one',
  'same question word',
  'same words',
  'length',
  'reservations',
  'other persons',
  ...FORMS,
] as const;

/** Of the content words of both, at least so much must be common. */
const LEAST_COMMON = 0.3;
const MOST_ODD = 5;
/** What lies below is rounding in 32 bits, which must not set apart what is alike. */
const SIMILARITY_STEPS = 10_000;

export function compare(asked: TextProfile, stored: TextProfile, similarity: number): Comparison {
  const onlyAsked = missingFrom(asked.contentSet, stored.contentSet);
  const onlyStored = missingFrom(stored.contentSet, asked.contentSet);
  const common = asked.contentSet.size - onlyAsked;
  const all = common + onlyAsked + onlyStored;
  const shared = all === 0 ? 0 : common / all;
  const { form, otherPersons } = likenessOf(asked, stored);
  const reservations = reservationsAbout(asked, stored, shared);
  const sameWords = missingFrom(asked.wordSet, stored.wordSet) + missingFrom(stored.wordSet, asked.wordSet) === 0;
  return {
    objections: objectionsTo(asked, stored),
    reservations,
    form,
    features: [
      Math.round(similarity * SIMILARITY_STEPS) / SIMILARITY_STEPS,
      shared,
      Math.min(onlyAsked, MOST_ODD),
      Math.min(onlyStored, MOST_ODD),
      Number(asked.question === stored.question),
      Number(sameWords),
      Math.log1p(asked.words.length + stored.words.length),
      reservations.length,
      Number(otherPersons),
      // What is the same in one way is the same in all that are less near.
      ...FORMS.map((_, at) => Number(form !== null && at >= FORMS.indexOf(form))),
    ],
  };
}

function objectionsTo(asked: TextProfile, stored: TextProfile): Objection[] {
  const found: Objection[] = [];
  if (asked.words.length === 0 || stored.words.length === 0) found.push('empty');
  if (!sameBag(asked.numbers, stored.numbers)) found.push('numbers');
  if (asked.negated !== stored.negated) found.push('negation');
  if (opposed(asked, stored)) found.push('polarity');
  if (continues(asked.words, stored.words)) found.push('continued');
  return found;
}

function reservationsAbout(asked: TextProfile, stored: TextProfile, shared: number): Reservation[] {
  const found: Reservation[] = [];
  if (!namesAgree(asked, stored)) found.push('names');
  if (!sameOrder(asked, stored)) found.push('order');
  if (shared < LEAST_COMMON) found.push('content');
  return found;
}

function missingFrom(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let missing = 0;
  for (const word of one) if (!other.has(word)) missing += 1;
  return missing;
}

function sameBag(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  const [a, b] = [one.toSorted(), other.toSorted()];
  return a.every((text, at) => text === b[at]);
}

/** One takes a side and the other takes the opposite one, or both. */
function opposed(asked: TextProfile, stored: TextProfile): boolean {
  for (const [axis, side] of asked.sides) {
    const other = stored.sides.get(axis);
    if (other !== undefined && other !== side) return true;
  }
  return negatedForm(asked, stored) || negatedForm(stored, asked);
}

const PREFIXES = ['un', 'in', 'im', 'dis', 'non', 'de', 'ir', 'il', 'anti', 'des'] as const;
const SHORTEST_ROOT = 4;

/** `subscribe` beside `unsubscribe`, and not both in both. */
function negatedForm(one: TextProfile, other: TextProfile): boolean {
  for (const word of one.contentSet) {
    for (const prefix of PREFIXES) {
      if (!word.startsWith(prefix) || word.length - prefix.length < SHORTEST_ROOT) continue;
      const root = word.slice(prefix.length);
      if (other.contentSet.has(root) && !one.contentSet.has(root) && !other.contentSet.has(word)) return true;
    }
  }
  return false;
}

function namesAgree(asked: TextProfile, stored: TextProfile): boolean {
  return asked.names.every((name) => stored.wordSet.has(name)) && stored.names.every((name) => asked.wordSet.has(name));
}

/** Of the content that both have, everything in the same order: `dollars to euros` is not `euros to dollars`. */
function sameOrder(asked: TextProfile, stored: TextProfile): boolean {
  const line = (one: TextProfile, other: TextProfile): string =>
    one.content.filter((stem) => other.contentSet.has(stem)).join(' ');
  return line(asked, stored) === line(stored, asked);
}
