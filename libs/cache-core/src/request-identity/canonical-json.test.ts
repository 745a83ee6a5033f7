import { processorMs } from '@promptsales/test-kit';
import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

/** The test vectors published with RFC 8785 (cyberphone/json-canonicalization, testdata). */
const PUBLISHED: ReadonlyArray<readonly [name: string, input: string, output: string]> = [
  [
    'arrays',
    '[\n  56,\n  {\n    "d": true,\n    "10": null,\n    "1": [ ]\n  }\n]',
    '[56,{"1":[],"10":null,"d":true}]',
  ],
  [
    'french',
    '{\n  "peach": "This sorting order",\n  "péché": "is wrong according to French",\n  "pêche": "but canonicalization MUST",\n  "sin":   "ingnore locale"\n}\n',
    '{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ingnore locale"}',
  ],
  [
    'structures',
    '{\n  "1": {"f": {"f": "hi","F": 5} ,"\\n": 56.0},\n  "10": { },\n  "": "empty",\n  "a": { },\n  "111": [ { } ],\n  "A": { }\n}',
    '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}',
  ],
  ['unicode', '{\n  "Unnormalized Unicode":"\\u1e0d\\u0307"\n}\n', '{"Unnormalized Unicode":"\u1e0d\u0307"}'],
  [
    'values',
    '{\n  "numbers": [1E30, 4.50, 333333333.33333329, 2e-3, 0.000000000000000000000000001],\n  "escaping": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/",\n  "literals": [null, true, false]\n}',
    '{"escaping":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/","literals":[null,true,false],"numbers":[1e+30,4.5,333333333.3333333,0.002,1e-27]}',
  ],
  [
    'weird',
    '{\n  "\\u20ac": "Euro Sign",\n  "\\r": "Carriage Return",\n  "\\ufb33": "Hebrew Letter Dalet With Dagesh",\n  "1": "One",\n  "\\ud83d\\ude00": "Emoji: Grinning Face",\n  "\\u0080": "Control",\n  "\\u00f6": "Latin Small Letter O With Diaeresis"\n}',
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  ],
];

/** RFC 8785, appendix B: doubles by their bits, and their canonical text. */
const NUMBERS: ReadonlyArray<readonly [bits: string, text: string]> = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

describe('RFC 8785', () => {
  it.each(PUBLISHED)('gives the published output for %s', (_name, input, output) => {
    expect(canonicalJson(input).text).toBe(output);
  });

  it.each(NUMBERS)('writes the double %s as %s', (bits, text) => {
    const value = Buffer.from(bits, 'hex').readDoubleBE();
    // Seventeen digits are enough to mean exactly this double.
    expect(canonicalJson(value.toExponential(16)).text).toBe(text);
  });

  it('agrees with the npm package canonicalize on any value, however it is spelt', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(4), (value, indent) => {
        expect(canonicalJson(JSON.stringify(value, null, indent)).text).toBe(canonicalize(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('is its own canonical form', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { text } = canonicalJson(JSON.stringify(value));
        expect(canonicalJson(text).text).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('spells every string one way', () => {
    const spellings = ['"\\u0061\\/\\u000A"', '"a/\\n"', '"\\u0061/\\n"'];
    expect(new Set(spellings.map((text) => canonicalJson(text).text))).toEqual(new Set(['"a/\\n"']));
  });

  it('sorts a million properties in reverse order without taking quadratic time', () => {
    const names = Array.from({ length: 200_000 }, (_, index) => `"k${String(200_000 - index).padStart(6, '0')}":1`);
    expect(canonicalJson(`{${names.join(',')}}`).text.startsWith('{"k000001":1,"k000002":1')).toBe(true);
  });
});

describe('what parsing would hide', () => {
  it.each([
    ['a duplicate name', '{"a":1,"a":2}'],
    ['a duplicate name in another spelling', '{"a":1,"b":0,"\\u0061":1}'],
    ['a duplicate name deep inside', '[[{"x":{"a":1,"b":{},"a":1}}]]'],
    ['a duplicate __proto__', '{"__proto__":1,"__proto__":2}'],
    ['an integer past 2^53', '{"seed":9007199254740993}'],
    ['2^53 itself, which its neighbour rounds to', '[9007199254740992]'],
    ['a negative integer past 2^53', '[-9007199254740993]'],
    ['an integer past 2^53 with an exponent', '[9007199254740993e0]'],
    ['more digits than a double has', '[3.141592653589793238462643383279]'],
    ['a number too great', '[1e400]'],
    ['a number too small', '[1e-400]'],
    ['a lone high surrogate', '["\\ud800"]'],
    ['a lone low surrogate', '["x\\uDFFFy"]'],
    ['surrogates in the wrong order', '["\\udc00\\ud800"]'],
    ['a lone surrogate as a name', '{"\\ud800":1}'],
  ])('notices %s', (_what, text) => {
    expect(canonicalJson(text).faithful).toBe(false);
  });

  it.each([
    ['equal names in different objects', '[{"a":1},{"a":1},{"b":{"a":1}}]'],
    ['the greatest safe integer', '[9007199254740991,-9007199254740991]'],
    [
      'any spelling of a number that a double holds',
      '[0.1,1.0,1e2,1E+2,-0,-0.0,0e9,5e-324,1.7976931348623157e308,0.30000000000000004]',
    ],
    ['a surrogate pair', '["\\ud83d\\ude00"]'],
    ['an escaped backslash before a u', '["\\\\ud800"]'],
    ['colons and quotes in strings', '{"a:b":"c\\":\\"d"}'],
  ])('finds nothing wrong with %s', (_what, text) => {
    expect(canonicalJson(text).faithful).toBe(true);
  });
});

describe('omitted paths', () => {
  const omit = [['stream'], ['stream_options', 'include_usage'], ['a', 'b', 'c']];
  const without = (text: string) => canonicalJson(text, omit).text;

  it('leaves out what is named, and a parent that holds nothing else', () => {
    expect(without('{"model":"m","stream":true,"stream_options":{"include_usage":true}}')).toBe('{"model":"m"}');
    expect(without('{"stream_options":{"include_usage":true,"other":1}}')).toBe('{"stream_options":{"other":1}}');
    expect(without('{"a":{"b":{"c":[1]}},"z":0}')).toBe('{"z":0}');
    expect(without('{"stream":true}')).toBe('{}');
  });

  it('keeps an object that was empty before', () => {
    expect(without('{"stream_options":{}}')).toBe('{"stream_options":{}}');
    expect(without('{"a":{"b":{}}}')).toBe('{"a":{"b":{}}}');
  });

  it('means paths from the top, through objects only', () => {
    expect(without('{"metadata":{"stream":true},"list":[{"stream":true}]}')).toBe(
      '{"list":[{"stream":true}],"metadata":{"stream":true}}',
    );
    expect(without('{"stream_options":[{"include_usage":true}]}')).toBe('{"stream_options":[{"include_usage":true}]}');
  });

  it('notices duplicates among what is left out', () => {
    expect(canonicalJson('{"stream":true,"stream":false}', omit).faithful).toBe(false);
  });
});

describe('canonicalJson of what is made to be slow', () => {
  const msFor = (text: string): number => processorMs(() => canonicalJson(text));

  it('reads a number of 60 kB with zeros inside at once', () => {
    const number = `0.1${'0'.repeat(60_000)}1`;
    expect(msFor(`{"temperature":${number}}`)).toBeLessThan(1_000);
    expect(canonicalJson(number).faithful).toBe(false);
    expect(canonicalJson(`0.1${'0'.repeat(60_000)}`)).toEqual({ text: '0.1', faithful: true });
  });

  it.each([
    '1.5',
    '0.1',
    '0.01',
    '0.0000001',
    '1.50',
    '0.0',
    '100.25',
    '12345678901234.5',
    '123456789012345.6',
    '1234567890123456.7',
  ])('writes %s as ECMAScript does', (token) => {
    expect(canonicalJson(token).text).toBe(JSON.stringify(Number(token)));
  });

  it('reads 2.5 million items without a rope of as many strands', () => {
    expect(msFor(`[${Array.from({ length: 2_500_000 }, () => '1.5').join(',')}]`)).toBeLessThan(3_500);
  });
});
