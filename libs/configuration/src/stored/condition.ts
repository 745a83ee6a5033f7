import { ConfigurationError } from '../configuration-error.js';

/** What a writer supposes of what is stored, judged where nobody else can change it. */
export interface Condition {
  /** Entity tags of which the stored one must be one; `*`: there must be something. Null: whatever there is. */
  readonly ifMatch: readonly string[] | '*' | null;
  /** There must be nothing. */
  readonly ifNoneMatch: '*' | null;
}

/**
 * @param tag of what is stored; null: nothing is
 * @throws ConfigurationError `precondition_failed`
 */
export function checkCondition({ ifMatch, ifNoneMatch }: Condition, tag: string | null): void {
  if (ifNoneMatch !== null && tag !== null) {
    throw new ConfigurationError('precondition_failed', 'If-None-Match: it is there already.');
  }
  if (ifMatch === null) return;
  const holds = tag !== null && (ifMatch === '*' || ifMatch.includes(tag));
  if (holds) return;
  throw new ConfigurationError(
    'precondition_failed',
    tag === null ? 'If-Match: it is not there.' : 'If-Match: it was changed since. Read it again.',
  );
}
