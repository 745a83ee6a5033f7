import { AsyncLocalStorage } from 'node:async_hooks';

/** Milliseconds of the monotonic clock at which the work in progress must be over. */
const current = new AsyncLocalStorage<number>();

/** Runs `work` with at most `ms` for all its queries together; inside another deadline the nearer one holds. */
export function withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const at = performance.now() + ms;
  return current.run(Math.min(at, current.getStore() ?? at), work);
}

/** What is left of the deadline in force, and never more than `atMost`. */
export function remainingMs(atMost: number): number {
  const at = current.getStore();
  return at === undefined ? atMost : Math.min(atMost, at - performance.now());
}
