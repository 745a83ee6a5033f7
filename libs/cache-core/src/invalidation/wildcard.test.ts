import * as fc from 'fast-check';
import { parseWildcard } from './wildcard.js';

describe('a wildcard', () => {
  test.each([
    ['*', ['', 'a', 'abc'], []],
    ['a*', ['a', 'abc'], ['', 'ba']],
    ['*a', ['a', 'ba', 'aba'], ['ab']],
    ['a*b*c', ['abc', 'aXbYc', 'abcbc'], ['ab', 'acb']],
    ['?', ['a', 'ñ', '😀'], ['', 'ab']],
    ['[abc]x', ['ax', 'cx'], ['dx', 'x']],
    ['[a-cx]', ['b', 'x'], ['d', '-']],
    ['[c-a]', ['b'], ['d']],
    ['[^a-c]', ['d'], ['b', '']],
    ['[a-]', ['a', '-'], ['b']],
    ['plain', ['plain'], ['plai', 'plain2']],
  ])('%s', (glob, yes, no) => {
    const wildcard = parseWildcard(glob);
    for (const text of yes) expect([text, wildcard?.matches(text)]).toEqual([text, true]);
    for (const text of no) expect([text, wildcard?.matches(text)]).toEqual([text, false]);
  });

  test.each(['[', '[]', '[^]', 'a[bc', '[]]'])('%s is none', (glob) => {
    expect(parseWildcard(glob)).toBeNull();
  });

  test('matches what a regular expression of the same meaning matches', () => {
    const piece = fc.constantFrom('*', '?', '[ab]', '[^a]', 'a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 }),
        (glob, text) => {
          const meant = new RegExp(`^${glob.map((one) => one.replace('*', '.*').replace('?', '.')).join('')}$`);
          expect(parseWildcard(glob.join(''))?.matches(text)).toBe(meant.test(text));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('trap 12: takes no longer for many stars', () => {
    const wildcard = parseWildcard('a*'.repeat(60) + 'b');
    expect(wildcard?.matches('a'.repeat(500))).toBe(false);
  });
});
