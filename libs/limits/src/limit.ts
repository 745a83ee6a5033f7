import type { Counter } from './counter/counter.js';
import { roomOf, waitMs, type Counted } from './counter/window.js';

export interface Limit {
  /** One of a few words, for headers and metrics. */
  readonly name: string;
  readonly counter: Counter;
  /**
   * In each window. Over any stretch of that length at most twice as much: at the end of a window, and at the begin of the
   * next. Null: it is counted for those who read the counter, and denies nothing.
   */
  readonly most: number | null;
  /** While Redis is away: `open` counts in the process alone, `closed` refuses. */
  readonly onOutage: 'open' | 'closed';
}

/** What is left of a limit, as known when it was asked for. */
export interface LimitState {
  readonly name: string;
  readonly most: number;
  readonly windowMs: number;
  readonly remaining: number;
  /** Until more than that remains, if nothing is taken. 0: all of it remains. */
  readonly resetMs: number;
  /** Until it allows what it has denied; 0: it has denied nothing. */
  readonly retryAfterMs: number;
}

export type Verdict =
  | { readonly allowed: true; readonly states: readonly LimitState[] }
  /** `states` has those that deny, and others as far as they are known. */
  | { readonly allowed: false; readonly states: readonly LimitState[]; readonly retryAfterMs: number };

/**
 * @param taken whether the cost has been counted, though not in `counted`
 * @returns null for what denies nothing
 */
export function stateOf({ name, most }: Limit, counted: Counted, cost: number, taken: boolean): LimitState | null {
  if (most === null) return null;
  const { windowMs } = counted;
  const now = taken ? { ...counted, count: counted.count + cost } : counted;
  const remaining = roomOf(now, most);
  return {
    name,
    most,
    windowMs,
    remaining,
    resetMs: most === 0 ? windowMs : remaining >= most ? 0 : waitMs(now, most, remaining + 1),
    // What never fits: the limit may be another by then.
    retryAfterMs: cost > most ? windowMs : waitMs(counted, most, cost),
  };
}

export function denied(states: readonly LimitState[]): Verdict {
  return { allowed: false, states, retryAfterMs: Math.max(...states.map(({ retryAfterMs }) => retryAfterMs)) };
}
