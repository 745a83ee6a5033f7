import * as fc from 'fast-check';
import { sortByName } from './name-order.js';

const sorted = (names: readonly string[]): string[] => {
  const members = names.map((name) => ({ name }));
  sortByName(members);
  return members.map(({ name }) => name);
};

describe('names in the order of RFC 8785', () => {
  it('are in the order of their UTF-16 units, whatever they share', () => {
    const unit = fc.constantFrom('', 'a', 'b', '\0', '\uffff', '\ud83d', '\ude00', 'é', 'aaaa');
    const name = fc.array(unit, { maxLength: 7 }).map((units) => units.join(''));
    fc.assert(
      fc.property(fc.array(name, { minLength: 0, maxLength: 400 }), (names) => {
        // Without a comparator the language sorts by UTF-16 units.
        expect(sorted(names)).toEqual(names.toSorted());
      }),
    );
  });

  it('may share a beginning far longer than the stack is deep, or be one the beginning of the next', () => {
    const long = 'x'.repeat(50_000);
    const alike = Array.from({ length: 100 }, (_, n) => `${long}${99 - n}`);
    expect(sorted(alike)).toEqual(alike.toSorted());
    const stairs = Array.from({ length: 2000 }, (_, n) => 'x'.repeat(2000 - n));
    expect(sorted(stairs)).toEqual(stairs.toReversed());
  });

  it('keep those of one name in their order', () => {
    const members = Array.from({ length: 300 }, (_, n) => ({ name: `${n % 3}`, n }));
    sortByName(members);
    expect(members.map(({ n }) => n)).toEqual(
      [0, 1, 2].flatMap((first) => Array.from({ length: 100 }, (_, n) => first + n * 3)),
    );
  });
});
