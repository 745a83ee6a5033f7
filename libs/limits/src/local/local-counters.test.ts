import fc from 'fast-check';
import { actionWindow, serviceMinute } from '../counter/counter.js';
import type { Limit } from '../limit.js';
import { LocalCounters } from './local-counters.js';

const sliding = (subject: string, most: number | null): Limit => ({
  name: 'sliding',
  counter: actionWindow(subject, 'x', 60),
  most,
  onOutage: 'open',
});
const fixed = (subject: string, most: number): Limit => ({
  name: 'fixed',
  counter: serviceMinute(subject),
  most,
  onOutage: 'open',
});

describe('limits that a process counts alone', () => {
  it('never admits more than the limit in a window, and twice that over any stretch as long', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(40_000), cost: fc.integer({ min: 1, max: 4 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 8 }), fc.boolean(), (sequence, most, slides) => {
        let now = 0;
        const counters = new LocalCounters(
          () => 1,
          () => now,
        );
        const admitted: { at: number; cost: number }[] = [];
        for (const { waitMs, cost } of sequence) {
          now += waitMs;
          const { allowed, states } = counters.take([(slides ? sliding : fixed)('s', most)], cost);
          if (allowed) admitted.push({ at: now, cost });
          else expect(states[0]?.retryAfterMs).toBeGreaterThan(0);
          const since = admitted.filter(({ at }) => at > now - 60_000).reduce((sum, one) => sum + one.cost, 0);
          expect(since).toBeLessThanOrEqual(2 * most);
        }
      }),
    );
  });

  it('takes from all or from none, and gives back', () => {
    const counters = new LocalCounters(
      () => 1,
      () => 0,
    );
    const both = [sliding('a', 3), fixed('b', 1)];
    expect(counters.take(both, 1).allowed).toBe(true);
    expect(counters.take(both, 1).allowed).toBe(false);
    expect(counters.take([sliding('a', 3)], 0).states).toMatchObject([{ remaining: 2 }]);
    counters.giveBack(both, 1);
    expect(counters.take(both, 0).states).toMatchObject([{ remaining: 3 }, { remaining: 1 }]);
  });

  it('has its share of a limit, of which at least one is left', () => {
    const counters = new LocalCounters(
      () => 4,
      () => 0,
    );
    expect(counters.take([sliding('a', 10)], 0).states).toMatchObject([{ most: 2, remaining: 2 }]);
    expect(counters.take([sliding('b', 3)], 1).allowed).toBe(true);
    expect(counters.take([sliding('b', 3)], 1).allowed).toBe(false);
    expect(counters.take([sliding('c', 0)], 1).allowed).toBe(false);
    expect(counters.take([sliding('d', null)], 1)).toEqual({ allowed: true, states: [] });
  });

  it('counts so many subjects at most', () => {
    const counters = new LocalCounters(
      () => 1,
      () => 0,
    );
    for (let at = 0; at <= 10_000; at += 1) counters.take([sliding(`s${at}`, 1)], 1);
    expect(counters.take([sliding('s0', 1)], 1).allowed).toBe(true);
    expect(counters.take([sliding('s10000', 1)], 1).allowed).toBe(false);
  });
});
