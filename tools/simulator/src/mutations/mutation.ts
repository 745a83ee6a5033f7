import type { CLAIMS } from '../proof/claims.js';

/** One thing that the protocol does, taken away: the proof must notice. */
export interface Mutation {
  readonly name: string;
  /** What no longer holds without it. */
  readonly claim: keyof typeof CLAIMS;
  /** Below `libs/cache-core/src`. */
  readonly file: string;
  /** Stands in the file exactly once; else the list is out of date, which is a failure too. */
  readonly from: string;
  readonly to: string;
}

/** @throws Error when the text to be replaced is not there exactly once */
export function mutate(source: string, { name, file, from, to }: Mutation): string {
  const parts = source.split(from);
  if (parts.length !== 2) {
    throw new Error(`${name}: ${file} has ${parts.length - 1} times what is to be replaced:\n${from}`);
  }
  return parts.join(to);
}
