import * as fc from 'fast-check';
import { BodyError } from './body-error.js';
import { firstJsonFault } from './faults.js';
import { DEEPEST_NESTING } from './nesting.js';
import { parseBody } from './parsed-body.js';

function refusal(body: string | Buffer): BodyError {
  try {
    parseBody(Buffer.from(body));
  } catch (error) {
    if (error instanceof BodyError) return error;
    throw error;
  }
  throw new Error('the body was accepted');
}

describe('parseBody', () => {
  it('gives the value and keeps the bytes', () => {
    const bytes = Buffer.from('{"a":[1,"é",null]}');
    const body = parseBody(bytes);
    expect(body.value).toEqual({ a: [1, 'é', null] });
    expect(body.bytes).toBe(bytes);
    expect(body.faithful).toBe(true);
  });

  it.each<[string, Buffer, number]>([
    ['a lone continuation byte', Buffer.from([0x22, 0x80, 0x22]), 1],
    ['a character cut off', Buffer.concat([Buffer.from('{"a":"ñ'), Buffer.from([0xe2, 0x82])]), 8],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 1],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 1],
    [
      'a fault behind a true replacement character',
      Buffer.concat([Buffer.from('"\ufffd\ufffd'), Buffer.from([0xff])]),
      7,
    ],
  ])('says where UTF-8 ends with %s', (_what, bytes, position) => {
    expect(refusal(bytes)).toMatchObject({ code: 'body_not_utf8', position });
  });

  it.each([
    ['', 0],
    ['   ', 3],
    ['{', 1],
    ['{"a"', 4],
    ['{"a":', 5],
    ['{"a":1', 6],
    ['{"a":1,}', 7],
    ["{'a':1}", 1],
    ['[1,2', 4],
    ['[1 2]', 3],
    ['[1,]', 3],
    ['tru', 3],
    ['truth', 3],
    ['nul!', 3],
    ['01', 1],
    ['1.', 1],
    ['-', 0],
    ['"a', 2],
    ['"a\nb"', 2],
    ['"\\x"', 1],
    ['"\\u12"', 1],
    ['{} {}', 3],
    ['\ufeff{}', 0],
    ['NaN', 0],
    ['{"a":undefined}', 5],
  ])('says where %j stops being JSON', (text, position) => {
    expect(refusal(text)).toMatchObject({ code: 'body_not_json', position });
  });

  it('finds a fault exactly where the engine finds one', () => {
    const almost = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, noise]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + noise + text.slice(cut + 1);
    });
    fc.assert(
      fc.property(almost, (text) => {
        let engine: unknown;
        try {
          JSON.parse(text);
          return;
        } catch (error) {
          engine = error;
        }
        const position = firstJsonFault(text);
        // Up to the fault it could still have become JSON; the engine's own position, where it gives one, is no earlier than ours.
        expect(position).toBeLessThanOrEqual(text.length);
        const stated = /at position (\d+)/.exec(String(engine))?.[1];
        if (stated !== undefined) expect(position).toBeLessThanOrEqual(Number(stated));
      }),
      { numRuns: 2000 },
    );
  });

  it('trap 30: never quotes a body in its message', () => {
    expect(refusal('{"api_key":"sk-secret-1234",}').message).not.toContain('sk-');
    expect(refusal('sk-secret').message).not.toContain('secret');
  });

  it('trap 12: takes __proto__ for a name like any other', () => {
    const body = parseBody(Buffer.from('{"__proto__":{"admin":true},"constructor":1}'));
    expect(Object.keys(body.value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(body.canonical([['stream']])).toBe('{"__proto__":{"admin":true},"constructor":1}');
    expect(body.canonical([['__proto__']])).toBe('{"constructor":1}');
  });

  it('takes what is as deep as it admits, and refuses what is deeper', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseBody(Buffer.from(nested(DEEPEST_NESTING))).canonical([])).toBe(nested(DEEPEST_NESTING));
    expect(refusal(nested(DEEPEST_NESTING + 1))).toMatchObject({ code: 'body_too_deep', position: DEEPEST_NESTING });
    expect(refusal('['.repeat(5_000_000)).code).toBe('body_too_deep');
    expect(refusal('{"a":'.repeat(1_000_000)).code).toBe('body_too_deep');
  });

  it('does not take braces in strings for depth', () => {
    const text = JSON.stringify({ code: '{['.repeat(2000), quoted: '\\"{['.repeat(2000) });
    expect(parseBody(Buffer.from(text)).faithful).toBe(true);
    const wide = JSON.stringify(Array.from({ length: 3000 }, () => ({})));
    expect(parseBody(Buffer.from(wide)).faithful).toBe(true);
  });
});
