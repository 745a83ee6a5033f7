import fc from 'fast-check';
import { rangeAsked } from './ranges.js';

it('a range is what slicing the bytes would give, whatever is asked', () => {
  const text = fc.oneof(
    fc.tuple(fc.nat(30), fc.nat(30)).map(([first, last]) => `bytes=${first}-${last}`),
    fc.nat(30).map((first) => `bytes=${first}-`),
    fc.nat(30).map((count) => `bytes=-${count}`),
    fc.string(),
  );
  fc.assert(
    fc.property(text, fc.nat(20), (header, length) => {
      const asked = rangeAsked(header, length);
      if (typeof asked === 'string') return;
      expect(asked.first).toBeGreaterThanOrEqual(0);
      expect(asked.last).toBeGreaterThanOrEqual(asked.first);
      expect(asked.last).toBeLessThan(length);
      const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
      if (from === '') expect(asked).toEqual({ first: Math.max(0, length - Number(to)), last: length - 1 });
      else
        expect(asked).toEqual({ first: Number(from), last: to === '' ? length - 1 : Math.min(Number(to), length - 1) });
    }),
  );
});

it.each([
  ['bytes=5-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=3-2', 'whole'],
  ['bytes=0-1,3-4', 'whole'],
  ['lines=0-1', 'whole'],
  [null, 'whole'],
])('%p of five bytes: %s', (header, expected) => {
  expect(rangeAsked(header, 5)).toBe(expected);
});
