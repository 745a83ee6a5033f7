/**
 * What a counter says at one moment, and what follows from it. Two windows make a sliding one: what was counted in the
 * window before weighs as much as of it still lies within the last `windowMs`, as if it had come evenly. The script
 * (take-limits.lua) decides by the same rule.
 */
export interface Counted {
  readonly windowMs: number;
  /** Of the window that is running. */
  readonly leftMs: number;
  readonly count: number;
  /** Of the window before it; of a fixed window nothing counts any more. */
  readonly before: number;
  readonly sliding: boolean;
}

export function fits({ windowMs, leftMs, count, before }: Counted, most: number, cost: number): boolean {
  return before * leftMs + (count + cost) * windowMs <= most * windowMs;
}

/** The greatest cost that fits. */
export function roomOf({ windowMs, leftMs, count, before }: Counted, most: number): number {
  return Math.max(0, Math.floor((most * windowMs - before * leftMs - count * windowMs) / windowMs));
}

/** Milliseconds until the cost fits, if nothing else is taken. Infinity: it never does. */
export function waitMs(counted: Counted, most: number, cost: number): number {
  if (cost > most) return Number.POSITIVE_INFINITY;
  if (fits(counted, most, cost)) return 0;
  const { windowMs, leftMs, count, before, sliding } = counted;
  if (!sliding) return leftMs;
  const room = most - cost;
  // As long as what came before still weighs too much; else as long as what has come now will.
  const ms =
    count <= room ? leftMs - ((room - count) * windowMs) / before : leftMs + windowMs - (room * windowMs) / count;
  return Math.ceil(ms);
}
