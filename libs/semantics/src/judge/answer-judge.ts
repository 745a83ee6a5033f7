/**
 * Whether a stored answer would have done where another one was just paid for: the only way to learn, without asking
 * anybody, how often stored answers are right.
 */
import { lexicalVector } from '../embedding/lexical-embedder.js';
import { dot } from '../embedding/vector.js';
import { compare } from '../gate/comparison.js';
import { profileOf } from '../gate/profile.js';

export interface AnswerJudge {
  /** Names the judgement: evidence of different judges is not pooled. */
  readonly name: string;
  /** @throws when it cannot tell; then nothing is learnt */
  equivalent(fresh: string, stored: string): boolean | Promise<boolean>;
}

/** Of long answers only so much is compared. */
const MOST_CHARACTERS = 20_000;
const LEAST_SIMILARITY = 0.9;

/**
 * By the words alone: the same text but for case and white space, or nearly the same words with the same numbers, names,
 * negations and symbols. It calls two
 * answers different that say the same in other words, so with a model that never says a thing twice alike it sees too
 * many wrong ones, and less is served than could be; it does not see too few.
 */
export class LexicalJudge implements AnswerJudge {
  readonly name = 'lexical:1';

  equivalent(fresh: string, stored: string): boolean {
    if (fresh === stored) return true;
    if (fresh.length > MOST_CHARACTERS || stored.length > MOST_CHARACTERS) return false;
    if (plain(fresh) === plain(stored)) return true;
    if (symbolsOf(fresh) !== symbolsOf(stored)) return false;
    const similarity = dot(lexicalVector(fresh), lexicalVector(stored));
    return (
      similarity >= LEAST_SIMILARITY && compare(profileOf(fresh), profileOf(stored), similarity).objections.length === 0
    );
  }
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

/** What words do not show: `a + b` is not `a - b`. */
function symbolsOf(text: string): string {
  return (text.match(/[^\p{L}\p{M}\p{N}\s.,;:'"!?]/gu) ?? []).toSorted().join('');
}
