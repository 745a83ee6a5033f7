import type { Hit } from './judgement.js';

/**
 * How a family's values age. The time to live is the time in Redis, for every reader. Inside it lie two borders of our
 * own: until the first an entry is fresh; from there to the second it is stale, and serves while it is being loaded anew
 * or when that fails. Behind the second it serves nobody any more.
 *
 *     stored ────── fresh ──────┬───── grace ─────┬──────── TTL
 *              (jittered, XFetch)
 */
export interface FreshnessOptions {
  /** How long an entry is fresh; by default for its whole time to live. */
  readonly freshSeconds?: number;
  /** How far in front of that border, as a part of it, an entry may begin to be stale: chosen for each by lot. */
  readonly jitter?: number;
  /** How eager readers are to refresh what is about to become stale (XFetch's beta); 0: not at all. */
  readonly beta?: number;
  /** How long a stale entry may serve; by default for what is left of its time to live. */
  readonly graceSeconds?: number;
  /** How long it is remembered that the origin has no value. Null: not at all. */
  readonly negativeTtlSeconds?: number | null;
  /** How long a caller who has a stale entry waits for a load. 0: not at all, it goes on behind him. Null: until it ends. */
  readonly softTimeoutMs?: number | null;
  /** How long a load may take. Null: as long as it likes. */
  readonly hardTimeoutMs?: number | null;
  /** For so long after a failed load a stale entry serves without another attempt. */
  readonly errorBackoffMs?: number;
}

/** The options, resolved. A `freshSeconds` or `graceSeconds` of null is the time to live's own. */
export type Freshness = Readonly<
  Record<'jitter' | 'beta' | 'errorBackoffMs', number> &
    Record<'freshSeconds' | 'graceSeconds' | 'negativeTtlSeconds' | 'softTimeoutMs' | 'hardTimeoutMs', number | null>
>;

export const DEFAULT_FRESHNESS: Freshness = Object.freeze({
  freshSeconds: null,
  jitter: 0.1,
  beta: 1,
  graceSeconds: null,
  negativeTtlSeconds: null,
  softTimeoutMs: 0,
  hardTimeoutMs: 30_000,
  errorBackoffMs: 1000,
});

type Range = readonly [least: number, most: number, orNull: boolean];

const YEAR_SECONDS = 31_536_000;
const DAY_MS = 86_400_000;

const RANGES: { readonly [Name in keyof Freshness]: Range } = {
  freshSeconds: [0.001, YEAR_SECONDS, true],
  jitter: [0, 1, false],
  beta: [0, 100, false],
  graceSeconds: [0, YEAR_SECONDS, true],
  negativeTtlSeconds: [0.001, YEAR_SECONDS, true],
  softTimeoutMs: [0, DAY_MS, true],
  hardTimeoutMs: [1, DAY_MS, true],
  errorBackoffMs: [0, DAY_MS, false],
};

const NAMES = Object.keys(RANGES) as readonly (keyof Freshness)[];

/**
 * The options with what they do not say taken from `base`.
 * @throws RangeError that names the option and what it takes
 */
export function resolveFreshness(options: FreshnessOptions, base: Freshness = DEFAULT_FRESHNESS): Freshness {
  let given: Record<string, number | null> | undefined;
  for (const name of NAMES) {
    const value = options[name];
    if (value === undefined) continue;
    const [least, most, orNull] = RANGES[name];
    const fits = value === null ? orNull : typeof value === 'number' && value >= least && value <= most;
    if (!fits) {
      throw new RangeError(
        `${name} is a number from ${least} to ${most}${orNull ? ' or null' : ''}, not ${String(value)}`,
      );
    }
    (given ??= {})[name] = value;
  }
  return given === undefined ? base : Object.freeze({ ...base, ...given });
}

/** - `early`: fresh still, but the lot has fallen on this reader to have it loaded anew. */
export type Condition = 'fresh' | 'early' | 'stale' | 'dead';

/** @param random from 0 (included) to 1 (excluded) */
export function conditionOf(hit: Hit<unknown>, { beta, graceSeconds }: Freshness, random: () => number): Condition {
  const { freshUntilMs, expiresAtMs, loadCostMs, readAtMs } = hit;
  // What another system wrote says nothing of its age.
  if (freshUntilMs === null || expiresAtMs === null) return 'fresh';
  if (readAtMs < freshUntilMs) {
    // Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention (2015).
    const lead = beta === 0 ? 0 : loadCostMs * beta * -Math.log(1 - random());
    return readAtMs + lead >= freshUntilMs ? 'early' : 'fresh';
  }
  const usableUntil = graceSeconds === null ? expiresAtMs : Math.min(expiresAtMs, freshUntilMs + graceSeconds * 1000);
  return readAtMs < usableUntil ? 'stale' : 'dead';
}

/** For how long a value that is stored now is fresh. */
export function freshMs({ freshSeconds, jitter }: Freshness, ttlSeconds: number, random: () => number): number {
  const whole = Math.min(freshSeconds ?? ttlSeconds, ttlSeconds) * 1000;
  // What is fresh for as long as it lives ends with the TTL, which is a contract and has no jitter.
  return freshSeconds === null ? whole : whole * (1 - jitter * random());
}
