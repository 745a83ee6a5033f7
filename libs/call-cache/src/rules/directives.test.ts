import fc from 'fast-check';
import { Directives } from './directives.js';
import { Fields } from './fields.js';

const of = (...lines: string[]): Directives => new Directives(lines);

describe('Cache-Control as strangers write it', () => {
  it.each([
    ['max-age=5', 5],
    ['MaX-aGe=5', 5],
    ['max-age="5"', 5],
    ['a="max-age=9", max-age=5', 5],
    ['max-age=005', 5],
    [`max-age=${'9'.repeat(30)}`, 2 ** 31],
    ['max-age=5, max-age=9', 5],
    [', ,max-age=5,', 5],
    ['max-age=-5', 0],
    ["max-age='5'", 0],
    ['max-age=5.5', 0],
    ['max-age', 0],
    ['max-age =5', null],
    ['a="unclosed, max-age=5', 5],
    ['s-maxage=5', null],
  ])('max-age in %s is %p', (text, seconds) => {
    expect(of(text).seconds('max-age')).toBe(seconds);
  });

  it('tells what holds for some fields from what holds for all', () => {
    expect(of('no-cache="Set-Cookie, X-A"').fieldNames('no-cache')).toEqual(['set-cookie', 'x-a']);
    expect([of('no-cache="x"').whole('no-cache'), of('no-cache').whole('no-cache')]).toEqual([false, true]);
  });

  it('takes several of a kind together, and what cannot be read for all', () => {
    expect(of('private="a", private="b, C"').fieldNames('private')).toEqual(['a', 'b', 'c']);
    for (const text of [
      'private="a", private',
      'private, private="a"',
      'private="a, max-age=5',
      'private="a b"',
      'private=',
    ]) {
      expect([text, of(text).whole('private')]).toEqual([text, true]);
    }
  });

  it.each(['no-store max-age=5', 'max-age=5 no-store', 'private no-store', 'no-store;max-age=5', 'no-store "x"'])(
    'what forbids is heard also where a comma is missing: %s',
    (text) => {
      expect(of(text).has('no-store')).toBe(true);
    },
  );

  it('heeds what is targeted at this cache before what is for all, and passes over what is for others', () => {
    const seconds = (value: string): number | null =>
      Directives.of(
        new Fields([
          ['Cache-Control', 'max-age=1'],
          ['Surrogate-Control', value],
        ]),
      ).seconds('max-age');
    expect([seconds('max-age=9'), seconds('max-age=9;promptsales'), seconds('max-age=9;akamai')]).toEqual([9, 9, 1]);
    // It says what is to be done with the body, and nothing of how long it lives.
    expect(seconds('content="ESI/1.0"')).toBe(1);
  });

  it('reads anything without failing, in linear time', () => {
    fc.assert(fc.property(fc.string(), (text) => void of(text).seconds('max-age')));
    of(`a="${'\\a'.repeat(50_000)}`);
    of(' '.repeat(100_000));
    of(','.repeat(100_000));
  });
});
