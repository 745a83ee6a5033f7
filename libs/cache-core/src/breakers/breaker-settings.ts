export interface BreakerSettings {
  /** How far back results count. */
  readonly windowMs: number;
  /** Fewer calls than this in the window say nothing about the share that failed. */
  readonly minimumCalls: number;
  /** Opens at this share of failures (0 to 1). */
  readonly failureRatio: number;
  /** Opens at so many failures with no success between them, however few calls there were. */
  readonly consecutiveFailures: number;
  /** The first opening; each probe that fails doubles it, up to `mostOpenMs`. Both are varied by a quarter. */
  readonly firstOpenMs: number;
  readonly mostOpenMs: number;
  /** A probe that takes longer is given up: another may be made. */
  readonly probeLeaseMs: number;
  /** How often a breaker that is not closed, or sees failures, looks at what the others know. */
  readonly paceMs: number;
}

export const DEFAULT_BREAKER: BreakerSettings = Object.freeze({
  windowMs: 30_000,
  minimumCalls: 20,
  failureRatio: 0.5,
  consecutiveFailures: 10,
  firstOpenMs: 5000,
  mostOpenMs: 120_000,
  probeLeaseMs: 30_000,
  paceMs: 1000,
});

/** @throws RangeError for what cannot work */
export function breakerSettings(given: Partial<BreakerSettings>): BreakerSettings {
  const settings = { ...DEFAULT_BREAKER, ...given };
  for (const [name, value] of Object.entries(settings)) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`breaker: ${name} must be above 0, got ${value}`);
  }
  if (settings.failureRatio > 1) throw new RangeError('breaker: failureRatio is a share, 1 at most');
  if (settings.firstOpenMs > settings.mostOpenMs) throw new RangeError('breaker: firstOpenMs is over mostOpenMs');
  return Object.freeze(settings);
}
