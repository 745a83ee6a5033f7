import { InvalidCursorError } from '@promptsales/http-edge';
import fc from 'fast-check';
import { LEADS, OPORTUNIDADES } from '../record/record-kind.js';
import { cursorAt, readCursor, type ListOrder } from './record-cursor.js';

const ID = '0b7c3a52-6f2e-4b0e-9d0a-3f7c5a1f9a10';
const byName: ListOrder = { sort: 'empresa', descending: false, filters: { estado: 'nuevo', q: 'a' } };
const byTime: ListOrder = { sort: 'created_at', descending: true, filters: {} };

test('a cursor comes back to its own list, whatever order its filters are named in', () => {
  const place = { value: 'peña " \\ 😀', id: ID };
  const cursor = cursorAt(place, LEADS, byName);
  expect(readCursor(cursor, LEADS, { ...byName, filters: { q: 'a', estado: 'nuevo' } })).toEqual(place);
});

test.each([
  ['another kind', OPORTUNIDADES, byName],
  ['another order', LEADS, { ...byName, sort: 'estado' }],
  ['another direction', LEADS, { ...byName, descending: true }],
  ['other filters', LEADS, { ...byName, filters: { q: 'b', estado: 'nuevo' } }],
])('a cursor of %s is refused', (_, kind, order) => {
  const cursor = cursorAt({ value: 'a', id: ID }, LEADS, byName);
  expect(() => readCursor(cursor, kind, order)).toThrow(InvalidCursorError);
});

test('trap 12: no text makes anything but a refusal, least of all in the database', () => {
  const forged = (value: unknown, id: unknown): string => {
    const own = JSON.parse(
      Buffer.from(cursorAt({ value: '', id: ID }, LEADS, byTime), 'base64url').toString(),
    ) as string[];
    return Buffer.from(JSON.stringify([own[0], value, id])).toString('base64url');
  };
  for (const [value, id] of [
    ['now', ID],
    ['2026-13-01T00:00:00.000Z', ID],
    ['2026-01-01T00:00:00.000Z', 'x'],
    ['2026-01-01T00:00:00.000Z', null],
    [7, ID],
  ]) {
    expect(() => readCursor(forged(value, id), LEADS, byTime)).toThrow(InvalidCursorError);
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      expect(() => readCursor(text, LEADS, byTime)).toThrow(InvalidCursorError);
    }),
  );
});
