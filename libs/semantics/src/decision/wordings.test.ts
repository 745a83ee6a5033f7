import fc from 'fast-check';
import { Wordings } from './wordings.js';

describe('wordings', () => {
  it('are of one class when right answers join them, also by way of others', () => {
    const wordings = new Wordings();
    wordings.learn('b', 'a', true);
    wordings.learn('c', 'b', true);
    expect(wordings.relation('c', 'a')).toEqual({ same: true, apart: false, right: 2, wrong: 0 });
    expect(wordings.relation('d', 'a').same).toBe(false);
    expect(wordings.relation('a', 'a').same).toBe(false);
  });

  it('are held apart when a wrong answer was given between their classes', () => {
    const wordings = new Wordings();
    wordings.learn('b', 'a', true);
    wordings.learn('y', 'x', true);
    wordings.learn('x', 'b', false);
    expect(wordings.relation('y', 'a')).toMatchObject({ same: false, apart: true });
    wordings.learn('x', 'a', true);
    // Right and wrong at once: it is both, and whoever asks must not be told that it is known.
    expect(wordings.relation('y', 'b')).toMatchObject({ same: true, apart: true });
  });

  it('for all histories: classes are apart when a wrong answer was ever given between any of theirs', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, names, fc.boolean()), { maxLength: 25 }), (history) => {
        const wordings = new Wordings();
        for (const [asked, stored, right] of history) wordings.learn(asked, stored, right);
        const together = (one: string, other: string): boolean => one === other || wordings.relation(one, other).same;
        for (const one of 'abcdef') {
          for (const other of 'abcdef') {
            const shown = history.some(
              ([asked, stored, right]) =>
                !right &&
                ((together(asked, one) && together(stored, other)) ||
                  (together(asked, other) && together(stored, one))),
            );
            expect(wordings.relation(one, other).apart).toBe(shown);
          }
        }
      }),
    );
  });

  it('for all histories: to be the same is what joining by right answers makes it', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, names, fc.boolean()), { maxLength: 25 }), (history) => {
        const wordings = new Wordings();
        for (const [asked, stored, right] of history) wordings.learn(asked, stored, right);
        const reached = (from: string): Set<string> => {
          const seen = new Set([from]);
          for (let grown = true; grown;) {
            grown = false;
            for (const [one, other, right] of history) {
              if (!right || seen.has(one) === seen.has(other)) continue;
              seen.add(one).add(other);
              grown = true;
            }
          }
          return seen;
        };
        for (const one of 'abcdef') {
          for (const other of 'abcdef') {
            expect(wordings.relation(one, other).same).toBe(one !== other && reached(one).has(other));
          }
        }
      }),
    );
  });
});
