/**
 * Where a job stands.
 *
 * `written`: its messages are committed, and their copies in Redis are still to be written. `dead`: it was given up, and
 * waits among the dead letters for somebody to replay it.
 */
export type JobState = 'queued' | 'running' | 'retrying' | 'written' | 'completed' | 'dead';

/** Nothing more happens to such a job by itself. */
export function isTerminal(state: JobState): boolean {
  return state === 'completed' || state === 'dead';
}
