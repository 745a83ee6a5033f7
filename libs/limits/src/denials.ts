import { BoundedMap } from './bounded-map.js';
import { counterName } from './counter/counter.js';
import type { Limit, LimitState } from './limit.js';

interface Denial {
  readonly cost: number;
  readonly state: LimitState;
  readonly atMs: number;
  readonly forMs: number;
}

const MOST_REMEMBERED = 10_000;

/**
 * What Redis has denied, until the time when it will not any more: a flood of requests costs no call. Who asks under another
 * limit, since that was changed, or for less, is asking something else.
 */
export class Denials {
  readonly #denials = new BoundedMap<Denial>(MOST_REMEMBERED);
  readonly #now: () => number;

  /** @param now milliseconds that never jump */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param forMs at most, where what denies it may be given back */
  remember(limit: Limit, cost: number, state: LimitState, forMs = Number.POSITIVE_INFINITY): void {
    this.#denials.set(nameOf(limit), { cost, state, atMs: this.#now(), forMs: Math.min(forMs, state.retryAfterMs) });
  }

  /** The state of a limit that is known to deny this, with the times that are left of it. */
  find(limit: Limit, cost: number): LimitState | null {
    const denial = this.#denials.get(nameOf(limit));
    if (denial === undefined || cost < denial.cost) return null;
    const { state, atMs, forMs } = denial;
    const passedMs = this.#now() - atMs;
    if (passedMs >= forMs) {
      this.#denials.delete(nameOf(limit));
      return null;
    }
    const left = (ms: number): number => Math.max(0, ms - passedMs);
    return { ...state, resetMs: left(state.resetMs), retryAfterMs: left(state.retryAfterMs) };
  }
}

function nameOf({ counter, most }: Limit): string {
  return `${most} ${counterName(counter)}`;
}
