import fc from 'fast-check';
import { fits, roomOf, waitMs, type Counted } from './window.js';

/** A counter as it can be, and the same counter when so many milliseconds have passed and nothing was taken. */
function after({ windowMs, leftMs, count, before, sliding }: Counted, ms: number): Counted {
  if (ms < leftMs) return { windowMs, leftMs: leftMs - ms, count, before, sliding };
  const past = ms - leftMs;
  const windows = Math.floor(past / windowMs);
  const next = windows === 0 && sliding ? count : 0;
  return { windowMs, leftMs: sliding ? windowMs - (past % windowMs) : windowMs, count: 0, before: next, sliding };
}

const counters = fc
  .record({
    windowMs: fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    count: fc.nat(2000),
    before: fc.nat(2000),
    sliding: fc.boolean(),
  })
  .map(({ part, before, ...rest }): Counted => {
    const leftMs = Math.max(1, Math.round(part * rest.windowMs));
    return { ...rest, leftMs, before: rest.sliding ? before : 0 };
  });
const most = fc.nat(1500);
const costs = fc.nat(1600);

describe('what follows from a counter', () => {
  it('is room for what fits, and for no more', () => {
    fc.assert(
      fc.property(counters, most, (counted, limit) => {
        const room = roomOf(counted, limit);
        expect(fits(counted, limit, room + 1)).toBe(false);
        if (room > 0) expect(fits(counted, limit, room)).toBe(true);
      }),
    );
  });

  it('is the time from which on something fits, to the millisecond', () => {
    fc.assert(
      fc.property(counters, most, costs, (counted, limit, cost) => {
        const ms = waitMs(counted, limit, cost);
        if (cost > limit) {
          expect(ms).toBe(Number.POSITIVE_INFINITY);
          return;
        }
        expect(fits(after(counted, ms), limit, cost)).toBe(true);
        if (ms > 0) expect(fits(after(counted, ms - 1), limit, cost)).toBe(false);
      }),
    );
  });
});
