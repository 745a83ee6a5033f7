import { BoundedMap } from '../bounded-map.js';
import { counterName, type Counter } from '../counter/counter.js';
import { fits, type Counted } from '../counter/window.js';
import { stateOf, type Limit, type LimitState } from '../limit.js';

interface Window {
  readonly beganMs: number;
  readonly count: number;
  readonly before: number;
}

export interface LocallyTaken {
  readonly allowed: boolean;
  readonly states: readonly LimitState[];
}

/** Subjects that are counted at once; whoever asked longest ago is forgotten, and begins anew. */
const MOST_COUNTERS = 10_000;

/** The same limits while Redis is away: each process counts alone, under its share of them. */
export class LocalCounters {
  readonly #windows = new BoundedMap<Window>(MOST_COUNTERS);
  readonly #processes: () => number;
  readonly #now: () => number;

  /**
   * @param processes that share the limits
   * @param now milliseconds that never jump
   */
  constructor(processes: () => number, now: () => number) {
    this.#processes = processes;
    this.#now = now;
  }

  /** Takes from all of them or from none. */
  take(limits: readonly Limit[], cost: number): LocallyTaken {
    const shares = limits.map((limit) => ({ ...limit, most: this.#shareOf(limit.most) }));
    const counted = shares.map(({ counter }) => this.#counted(counter));
    const allowed = shares.every(({ most }, at) => most === null || fits(counted[at] as Counted, most, cost));
    if (allowed) for (const { counter } of shares) this.#count(counter, cost);
    const states = shares.flatMap((limit, at) => stateOf(limit, counted[at] as Counted, cost, allowed) ?? []);
    return { allowed, states };
  }

  giveBack(limits: readonly Limit[], cost: number): void {
    for (const { counter } of limits) this.#count(counter, -cost);
  }

  /** Everybody gets through now and then. */
  #shareOf(most: number | null): number | null {
    return most === null || most === 0 ? most : Math.max(1, Math.floor(most / Math.max(1, this.#processes())));
  }

  #counted(counter: Counter): Counted {
    const { windowMs, sliding } = counter;
    const { beganMs, count, before } = this.#windowOf(counter);
    return { windowMs, sliding, count, before, leftMs: Math.max(0, beganMs + windowMs - this.#now()) };
  }

  #count(counter: Counter, cost: number): void {
    const window = this.#windowOf(counter);
    this.#windows.set(counterName(counter), { ...window, count: Math.max(0, window.count + cost) });
  }

  /** As it runs now. */
  #windowOf(counter: Counter): Window {
    const { windowMs, sliding } = counter;
    const now = this.#now();
    const known = this.#windows.get(counterName(counter));
    const beganMs = sliding ? Math.floor(now / windowMs) * windowMs : now;
    if (known === undefined) return { beganMs, count: 0, before: 0 };
    if (now < known.beganMs + windowMs) return known;
    const isNext = sliding && beganMs === known.beganMs + windowMs;
    return { beganMs, count: 0, before: isNext ? known.count : 0 };
  }
}
