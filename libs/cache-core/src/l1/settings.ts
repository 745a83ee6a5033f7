/** How much of a process's own memory the cache may use, and how far behind Redis it may be. */
export interface L1Settings {
  /** Of all entries together; 0: no entries at all. */
  readonly maxBytes: number;
  /** Nothing is served that was replaced in Redis longer ago than this. At most 1000. */
  readonly boundMs: number;
  /** How often Redis is asked whether its messages still come. Well under the bound, so that one late answer does no harm. */
  readonly beatMs: number;
  /** How long to wait before asking again a server that refuses to tell of changes. */
  readonly retryRefusedMs: number;
}

export const DEFAULT_L1: L1Settings = {
  maxBytes: 64 * 1024 * 1024,
  boundMs: 1000,
  beatMs: 200,
  retryRefusedMs: 30_000,
};

const LONGEST_BOUND_MS = 1000;

/** @throws RangeError for settings that cannot keep what L1 promises */
export function resolveL1(settings: Partial<L1Settings>): L1Settings {
  const resolved = Object.freeze({ ...DEFAULT_L1, ...settings });
  const { maxBytes, boundMs, beatMs } = resolved;
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) throw new RangeError('L1: maxBytes is a whole number of bytes');
  if (!(boundMs > 0 && boundMs <= LONGEST_BOUND_MS)) throw new RangeError('L1: boundMs is at most 1000');
  if (!(beatMs > 0 && beatMs * 2 <= boundMs)) throw new RangeError('L1: beatMs is at most half of boundMs');
  return resolved;
}
