import fc from 'fast-check';
import { folded, searchWords, wordsOf } from './folded.js';

test('accents, case and compatibility forms make no difference', () => {
  expect(wordsOf('Peña  S.A. — ÁGORA ﬁn')).toEqual(['pena', 's', 'a', 'agora', 'fin']);
  expect(searchWords(['Uno dos', 7, { a: 'b' }, 'dos tres'])).toEqual(['uno', 'dos', 'tres']);
});

test('what PostgreSQL is given is bounded, well-formed and holds no operator', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400, size: 'max' }), (text) => {
      expect(folded(text).length).toBeLessThanOrEqual(300);
      expect(folded(text).isWellFormed()).toBe(true);
      for (const word of wordsOf(text)) expect(word).toMatch(/^[\p{L}\p{N}]{1,64}$/u);
    }),
  );
});
