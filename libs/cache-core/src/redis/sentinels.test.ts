import fc from 'fast-check';
import { majorityOf, Term } from './sentinels.js';

describe('the word of the majority', () => {
  const at = (host: string, askedAt: number) => ({ host, port: 6379, askedAt });

  test('is what more than half name, those counted too that say nothing', () => {
    expect(majorityOf([at('a', 5), at('b', 9)], 3)).toBeUndefined();
    expect(majorityOf([at('a', 5), at('b', 9), at('a', 7)], 3)).toEqual(at('a', 5));
    expect(majorityOf([at('a', 5), at('a', 7)], 4)).toBeUndefined();
    expect(majorityOf([], 1)).toBeUndefined();
  });

  test('is as old as the answer of the last one that it needs', () => {
    expect(majorityOf([at('a', 1), at('a', 5), at('a', 7)], 3)).toEqual(at('a', 5));
  });

  test('of two looks that differ, one Sentinel has changed its mind after the first', () => {
    const answers = fc.array(fc.record({ host: fc.constantFrom('a', 'b'), askedAt: fc.nat(100) }), {
      minLength: 1,
      maxLength: 7,
    });
    fc.assert(
      fc.property(answers, answers, (early, later) => {
        const size = Math.min(early.length, later.length);
        const words = (from: typeof early, shift: number) =>
          from.slice(0, size).map(({ host, askedAt }) => at(host, askedAt + shift));
        const [first, second] = [majorityOf(words(early, 0), size), majorityOf(words(later, 1000), size)];
        if (first === undefined || second === undefined || first.host === second.host) return;
        const changed = words(later, 1000).filter(
          ({ host }, n) => host === second.host && words(early, 0)[n]?.host === first.host,
        );
        expect(changed).not.toEqual([]);
      }),
    );
  });
});

describe('a term', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('lasts as long as it is prolonged in time, and never begins again', () => {
    const term = new Term('a', 6379, performance.now() + 900);
    jest.advanceTimersByTime(899);
    expect(term.lasts).toBe(true);
    term.prolong(performance.now() + 900);
    jest.advanceTimersByTime(500);
    term.prolong(performance.now() + 100);
    expect(term.lasts).toBe(true);
    jest.advanceTimersByTime(400);
    term.prolong(performance.now() + 900);
    expect(term.lasts).toBe(false);
  });
});
