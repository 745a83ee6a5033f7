import { entityTag, matchesStrongly, matchesWeakly, precondition } from './entity-tag.js';

const at = (created_at: string, version: number): string => entityTag({ version, created_at });

test('a tag names one state of one record', () => {
  const tags = [
    at('2026-01-01T00:00:00.000Z', 1),
    at('2026-01-01T00:00:00.000Z', 2),
    at('2026-01-01T00:00:00.001Z', 1),
  ];
  expect(new Set(tags).size).toBe(3);
});

test('a header is read as RFC 9110 has it, or not at all', () => {
  expect(precondition(undefined)).toBeUndefined();
  expect(precondition(' * ')).toBe('*');
  expect(precondition('"1-a"')).toEqual(['"1-a"']);
  expect(precondition('"1,a" , W/"2"')).toEqual(['"1,a"', 'W/"2"']);
  for (const broken of ['', '1-a', '"1', '*, "1"', '"1" "2"', 'w/"1"']) expect(precondition(broken)).toBeNull();
});

test('If-Match compares strongly, If-None-Match weakly', () => {
  expect([matchesStrongly(['W/"1"'], '"1"'), matchesStrongly(['"0"', '"1"'], '"1"')]).toEqual([false, true]);
  expect([matchesWeakly(['W/"1"'], '"1"'), matchesWeakly(['W/"2"'], '"1"')]).toEqual([true, false]);
  expect([matchesStrongly('*', '"1"'), matchesWeakly('*', '"1"')]).toEqual([true, true]);
});
