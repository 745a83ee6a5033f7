import { cursorBehind, InvalidCursorError, pageOf, placeIn } from './page.js';

const page = (rows: readonly number[], limit: number) => pageOf(rows, limit, (row) => cursorBehind(`${row}`), String);

test('a page is what was asked for, and says where the next one begins while there is one', () => {
  expect(page([1, 2, 3], 2)).toEqual({ items: ['1', '2'], nextCursor: cursorBehind('2') });
  expect(page([1, 2], 2)).toEqual({ items: ['1', '2'], nextCursor: null });
  expect(page([], 2)).toEqual({ items: [], nextCursor: null });
});

test.each(['7', '', 'peña:1 "', '\u0000'])('a cursor behind %j comes back to it', (place) => {
  expect(placeIn(cursorBehind(place), () => true)).toBe(place);
});

test.each(['', 'x', '7', Buffer.from('2:7').toString('base64url')])('%j is no cursor', (cursor) => {
  expect(() => placeIn(cursor, () => true)).toThrow(InvalidCursorError);
});

test('a cursor behind what is no place in the list is none', () => {
  const isNumber = (place: string): boolean => /^\d+$/.test(place);
  expect(placeIn(cursorBehind('7'), isNumber)).toBe('7');
  expect(() => placeIn(cursorBehind('x'), isNumber)).toThrow(InvalidCursorError);
});
