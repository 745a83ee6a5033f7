import { assert, double, integer, property, record } from 'fast-check';
import { conditionOf, DEFAULT_FRESHNESS, freshMs, resolveFreshness } from './freshness.js';
import type { Hit } from './judgement.js';

const hit = (readAtMs: number, more: Partial<Hit<string>> = {}): Hit<string> => ({
  value: 'v',
  storedAtMs: 0,
  freshUntilMs: 1000,
  expiresAtMs: 5000,
  loadCostMs: 0,
  readAtMs,
  note: '',
  versions: [],
  ...more,
});
const never = () => 0;

describe('the condition of an entry', () => {
  test.each([
    [0, 'fresh'],
    [999, 'fresh'],
    [1000, 'stale'],
    [4999, 'stale'],
    [5000, 'dead'],
  ])('without grace of its own, at %d ms: %s', (at, condition) => {
    expect(conditionOf(hit(at), DEFAULT_FRESHNESS, never)).toBe(condition);
  });

  test.each([
    [1000, 1, 'stale'],
    [1999, 1, 'stale'],
    [2000, 1, 'dead'],
    [1000, 0, 'dead'],
    [4999, 60, 'stale'],
    [5000, 60, 'dead'],
  ])('at %d ms with a grace of %d s: %s, and never past the time to live', (at, graceSeconds, condition) => {
    expect(conditionOf(hit(at), resolveFreshness({ graceSeconds }), never)).toBe(condition);
  });

  test('of what another system wrote is fresh: nothing says how old it is', () => {
    expect(conditionOf(hit(9e9, { freshUntilMs: null, expiresAtMs: null }), DEFAULT_FRESHNESS, never)).toBe('fresh');
  });

  test('is the earlier early, the costlier the load and the unluckier the reader', () => {
    const costly = (at: number) => hit(at, { loadCostMs: 100 });
    const lot = (random: number) => () => random;
    // -ln(1 - 0.9) = 2.3: 230 ms ahead.
    expect(conditionOf(costly(700), DEFAULT_FRESHNESS, lot(0.9))).toBe('fresh');
    expect(conditionOf(costly(800), DEFAULT_FRESHNESS, lot(0.9))).toBe('early');
    expect(conditionOf(hit(800, { loadCostMs: 10 }), DEFAULT_FRESHNESS, lot(0.9))).toBe('fresh');
    expect(conditionOf(costly(800), DEFAULT_FRESHNESS, lot(0.1))).toBe('fresh');
    expect(conditionOf(costly(999), resolveFreshness({ beta: 0 }), lot(1 - Number.EPSILON))).toBe('fresh');
  });

  test('is early as often as XFetch says', () => {
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const draws = 20_000;
    let early = 0;
    for (let n = 0; n < draws; n += 1) {
      if (conditionOf(hit(900, { loadCostMs: 100 }), DEFAULT_FRESHNESS, random) === 'early') early += 1;
    }
    // P(-ln(U) >= 1) = 1/e
    expect(Math.abs(early / draws - Math.exp(-1))).toBeLessThan(0.02);
  });
});

describe('how long a value is fresh', () => {
  test('is jittered below what was asked for, by no more than the jitter, and never past the time to live', () => {
    const unit = double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    assert(
      property(
        record({
          fresh: integer({ min: 1, max: 10_000 }),
          ttl: integer({ min: 1, max: 10_000 }),
          jitter: unit,
          lot: unit,
        }),
        (one) => {
          const ms = freshMs(resolveFreshness({ freshSeconds: one.fresh, jitter: one.jitter }), one.ttl, () => one.lot);
          const whole = Math.min(one.fresh, one.ttl) * 1000;
          expect(ms).toBeLessThanOrEqual(whole);
          expect(ms).toBeGreaterThanOrEqual(whole * (1 - one.jitter));
        },
      ),
    );
  });

  test('is the whole time to live where nothing is said', () => {
    expect(freshMs(DEFAULT_FRESHNESS, 60, () => 0.99)).toBe(60_000);
  });
});

describe('options', () => {
  test.each([
    [{ jitter: 2 }, 'jitter is a number from 0 to 1, not 2'],
    [{ freshSeconds: 0 }, 'freshSeconds is a number from 0.001'],
    [{ graceSeconds: -1 }, 'graceSeconds'],
    [{ hardTimeoutMs: 0 }, 'hardTimeoutMs'],
    [{ softTimeoutMs: Number.NaN }, 'softTimeoutMs'],
    [{ beta: Number.POSITIVE_INFINITY }, 'beta'],
    [{ errorBackoffMs: null as unknown as number }, 'errorBackoffMs is a number from 0 to 86400000, not null'],
  ])('%j is refused by name', (options, message) => {
    expect(() => resolveFreshness(options)).toThrow(RangeError);
    expect(() => resolveFreshness(options)).toThrow(message);
  });

  test('that say nothing are the defaults themselves, and the result cannot be changed', () => {
    expect(resolveFreshness({})).toBe(DEFAULT_FRESHNESS);
    expect(Object.isFrozen(resolveFreshness({ beta: 2 }))).toBe(true);
  });
});
