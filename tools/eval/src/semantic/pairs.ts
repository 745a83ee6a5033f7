/** Pairs of real questions with a human label, as the cache meets them: one's answer is stored, the other is asked. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { compare, dot, lexicalVector, profileOf, type Candidate } from '@promptsales/semantics';

export interface LabelledPair {
  readonly candidate: Candidate;
  readonly similarity: number;
  readonly same: boolean;
}

const PARTITION = 'questions';

/** @throws Error where the file is missing or holds anything else */
export function readPairs(path: string): LabelledPair[] {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n');
  return lines.map((line, at) => {
    const { a, b, same } = JSON.parse(line) as { a?: unknown; b?: unknown; same?: unknown };
    if (typeof a !== 'string' || typeof b !== 'string' || (same !== 0 && same !== 1)) {
      throw new Error(`${path}: line ${at + 1} is no {a, b, same}`);
    }
    return pairOf(a, b, same === 1);
  });
}

function pairOf(stored: string, asked: string, same: boolean): LabelledPair {
  const similarity = dot(lexicalVector(asked), lexicalVector(stored));
  const { objections, reservations, form, features } = compare(profileOf(asked), profileOf(stored), similarity);
  const candidate = {
    partition: PARTITION,
    asked,
    stored,
    objected: objections.length > 0,
    reserved: reservations.length > 0,
    form,
    features,
  };
  return { candidate, similarity, same };
}

/** The same pairs in an order that the seed decides (Fisher and Yates, with mulberry32). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other] as T, order[at] as T];
  }
  return order;
}

export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
