import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { plainJson } from './plain-json.js';

const refuse = (path: readonly string[], why: string): never => {
  throw new Error(`${path.join('.')}: ${why}`);
};
const text = (value: unknown): string => plainJson(value, 'refused', refuse);

describe('plain JSON', () => {
  it('for every JSON value: writes what JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(text(value)).toBe(JSON.stringify(value))));
  });

  it('for every value at all: what it writes says all of it, or it refuses', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    let written = 0;
    fc.assert(
      fc.property(anything, (value) => {
        let json: string;
        try {
          json = text(value);
        } catch {
          return;
        }
        written += 1;
        expect(rooted(JSON.parse(json))).toEqual(rooted(value));
      }),
      { numRuns: 2000 },
    );
    expect(written).toBeGreaterThan(200);
  });

  const holdsItself: unknown[] = [];
  holdsItself.push({ again: holdsItself });

  it.each<[string, unknown, string]>([
    ['undefined', { a: [undefined] }, 'a.0: is undefined'],
    ['a member that is undefined', { a: undefined }, 'a: is undefined'],
    ['a function', { a: () => 1 }, 'a: is a function'],
    ['a symbol', Symbol('s'), ': is a symbol'],
    ['a BigInt', [1n], '0: is a bigint'],
    ['NaN', [Number.NaN], '0: is no finite number'],
    ['infinity', -Infinity, ': is no finite number'],
    ['a Date', { since: new Date(0) }, 'since: is an instance of Date'],
    ['a Map', new Map([['a', 1]]), ': is an instance of Map'],
    ['a Set', new Set([1]), ': is an instance of Set'],
    ['bytes', Buffer.from('a'), ': is an instance of Buffer'],
    ['a URL', new URL('http://a/'), ': is an instance of URL'],
    ['a boxed text', Object('a'), ': is an instance of String'],
    ['what inherits', Object.create({ a: 1 }), ': is an instance of Object'],
    ['what writes itself', { toJSON: () => 'b' }, 'toJSON: is a function'],
    ['what writes itself behind one’s back', Object.defineProperty({}, 'toJSON', { value: () => 'b' }), 'hidden'],
    ['a symbol’s member', { [Symbol('s')]: 1 }, 'hidden members or symbols'],
    ['gaps', withGap([1]), 'array with gaps'],
    ['members of an array', Object.assign([1], { a: 1 }), 'array with gaps or further members'],
    ['a gap hidden by a member', Object.assign(withGap([]), { a: 1 }), '0: is undefined'],
    ['what holds itself', holdsItself, 'holds itself'],
  ])('refuses %s', (_what, value, why) => {
    expect(() => text(value)).toThrow(why);
  });

  it('takes objects of another realm, and the name __proto__', () => {
    expect(text(runInNewContext('({ a: [1] })'))).toBe('{"a":[1]}');
    expect(text(JSON.parse('{"__proto__": 1}'))).toBe('{"__proto__":1}');
  });

  it('leaves undefined members out of answers, not undefined items', () => {
    expect(plainJson({ a: undefined, b: 1 }, 'left out', refuse)).toBe('{"b":1}');
    expect(() => plainJson([undefined], 'left out', refuse)).toThrow('0: is undefined');
  });
});

function withGap(items: unknown[]): unknown[] {
  items.length += 1;
  return items;
}

/** The same with one prototype for all plain objects, and one zero. */
function rooted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rooted);
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([name, member]) => [name, rooted(member)]));
  }
  return value === 0 ? 0 : value;
}
