/**
 * A text as the words and pieces of words in it: no model, no set-up, the same on every machine.
 *
 * Words, pairs of neighbours and three-letter pieces are hashed into a fixed number of components with a sign each, so
 * that collisions cancel out on average (Weinberger et al., "Feature hashing for large scale multitask learning",
 * ICML 2009). It sees typing errors, inflection and order; it knows no synonyms: two ways to ask that share no words have
 * nothing in common here.
 */
import { FUNCTION_WORDS } from '../text/function-words.js';
import { wordsOf } from '../text/words.js';
import type { Embedded, Embedder } from './embedder.js';
import { toUnit } from './vector.js';

/** Part of the space's name: raised whenever the same text would get another vector. */
const VERSION = 1;
export const LEXICAL_DIMENSIONS = 512;

const WORD_WEIGHT = 1;
const FUNCTION_WORD_WEIGHT = 0.35;
const PAIR_WEIGHT = 0.5;
/** Of all pieces of one word together, so that long words do not count for more. */
const PIECES_WEIGHT = 0.7;
const PIECE_LENGTH = 3;

export class LexicalEmbedder implements Embedder {
  readonly space = `lexical:${VERSION}`;
  readonly remote = false;

  embed(texts: readonly string[]): Promise<Embedded> {
    return Promise.resolve({ vectors: texts.map(lexicalVector), inputTokens: null });
  }
}

export function lexicalVector(text: string): Float32Array {
  const vector = new Float32Array(LEXICAL_DIMENSIONS);
  let before = '';
  for (const { text: word } of wordsOf(text)) {
    const weight = FUNCTION_WORDS.has(word) ? FUNCTION_WORD_WEIGHT : WORD_WEIGHT;
    add(vector, `w ${word}`, WORD_WEIGHT * weight);
    if (before !== '') add(vector, `p ${before} ${word}`, PAIR_WEIGHT * weight);
    addPieces(vector, word, PIECES_WEIGHT * weight);
    before = word;
  }
  return toUnit(vector);
}

function addPieces(vector: Float32Array, word: string, weight: number): void {
  const padded = `^${word}$`;
  const count = padded.length - PIECE_LENGTH + 1;
  if (count <= 0) return;
  const each = weight / Math.sqrt(count);
  for (let at = 0; at < count; at += 1) add(vector, `c ${padded.slice(at, at + PIECE_LENGTH)}`, each);
}

function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashOf(feature);
  const at = hash % LEXICAL_DIMENSIONS;
  vector[at] = (vector[at] as number) + (hash >>> 31 === 0 ? weight : -weight);
}

/** FNV-1a over UTF-16 units, with the finaliser of MurmurHash3: its high bits, too, depend on every unit. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
