/** One claim that a scenario checks. */
export interface Verdict {
  readonly what: string;
  readonly holds: boolean;
}
