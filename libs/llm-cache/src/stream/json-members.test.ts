import * as fc from 'fast-check';
import { spanOfMember, valueOfMember } from './json-members.js';

function cut(text: string, name = 'usage', value = 'null'): string | null {
  const bytes = Buffer.from(`xx${text}yy`);
  const span = spanOfMember(bytes, 2, bytes.length - 2, name, value);
  if (span === null) return null;
  return Buffer.concat([bytes.subarray(2, span.from), bytes.subarray(span.to, bytes.length - 2)]).toString();
}

describe('cutting a member out of a JSON text', () => {
  it.each([
    ['{"a":1,"usage":null}', '{"a":1}'],
    ['{"usage":null,"a":1}', '{"a":1}'],
    ['{"a":1,"usage":null,"b":2}', '{"a":1,"b":2}'],
    ['{"a": 1, "usage": null, "b": 2}', '{"a": 1, "b": 2}'],
    ['{ "usage" : null , "b": 2 }', '{ "b": 2 }'],
    ['{"usage":null}', '{}'],
    ['{"s":"a\\"},\\\\","usage":null}', '{"s":"a\\"},\\\\"}'],
    ['{"d":{"usage":null},"usage":null}', '{"d":{"usage":null}}'],
    ['{"\\u0075sage":null,"é":"ñ"}', '{"é":"ñ"}'],
  ])('%s', (text, left) => {
    expect(cut(text)).toBe(left);
  });

  it.each([
    '{"a":1}',
    '{"usage":{"x":1}}',
    '{"d":{"usage":null}}',
    '["usage",null]',
    '{"usage":null,"usage":null}',
    '{"s":"\\"usage\\":null"}',
    '{}',
  ])('leaves %s alone', (text) => {
    expect(cut(text)).toBeNull();
  });

  it('leaves what serialising without the member would have given', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (object, at) => {
        const entries = Object.entries(object).filter(
          ([name]) => name !== 'usage' && !/^\d+$/.test(name) && name !== '__proto__',
        );
        const place = at % (entries.length + 1);
        const withUsage = Object.fromEntries(entries.toSpliced(place, 0, ['usage', null]));
        expect(cut(JSON.stringify(withUsage))).toBe(JSON.stringify(Object.fromEntries(entries)));
        const spaced = cut(JSON.stringify(withUsage, null, 2));
        expect(JSON.parse(spaced as string)).toEqual(JSON.parse(JSON.stringify(Object.fromEntries(entries))));
      }),
    );
  });
});

describe('taking the value of a member out of a JSON text', () => {
  const taken = (text: string, name: string): string | null => {
    const bytes = Buffer.from(`xx${text}yy`);
    const span = valueOfMember(bytes, 2, bytes.length - 2, name);
    return span === null ? null : bytes.toString('utf8', span.from, span.to);
  };

  it.each([
    ['{"a" : 9007199254740993 ,"b":1}', '9007199254740993'],
    ['{"b":{"a":1},"a":{ "x": "}" } }', '{ "x": "}" }'],
    ['{"a":[1, "]"]}', '[1, "]"]'],
  ])('of %s', (text, value) => {
    expect(taken(text, 'a')).toBe(value);
  });

  it.each(['{}', '{"b":{"a":1}}', '{"a":1,"a":1}', '[]', '"a"'])('finds none in %s', (text) => {
    expect(taken(text, 'a')).toBeNull();
  });

  it('gives what stands there, whatever stands beside it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
        fc.nat(),
        fc.nat(3),
        (object, at, indent) => {
          const text = JSON.stringify(object, null, indent);
          const names = Object.keys(object);
          const name = names[at % names.length] as string;
          const member = Object.getOwnPropertyDescriptor(JSON.parse(text), name)?.value as unknown;
          expect(JSON.parse(taken(text, name) ?? '')).toEqual(member);
        },
      ),
    );
  });
});
