/** What can be wrong with a key, and what that means. */
export const PROBLEMS = {
  no_family: 'belongs to no family',
  wrong_place: 'lies where no reader of its family looks',
  wrong_type: 'has another type than its family',
  no_ttl: 'has no time to live, and its family has one',
  ttl_too_long: 'lives longer than its family permits',
  oversized: 'takes more memory than the bound',
  unreadable_value: 'holds what cannot be read as a value of its family',
  foreign_value: 'holds what the platform did not write, in a family without other writers: readers take it for a miss',
} as const;

export type Problem = keyof typeof PROBLEMS;

export interface Finding {
  readonly problem: Problem;
  /** As it lies in Redis. */
  readonly key: string;
  /** Its family's id, or that of what lies beside a key. */
  readonly family: string | null;
  /** The roles whose place it is. */
  readonly place: string;
  /** Never holds anything of the value. */
  readonly detail: string;
}
