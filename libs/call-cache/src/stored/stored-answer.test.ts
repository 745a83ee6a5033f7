import fc from 'fast-check';
import { Fields, type FieldLine } from '../rules/fields.js';
import { decodeStored, encodeStored, type StoredAnswer } from './stored-answer.js';

const answerOf = (body: Buffer, lines: FieldLine[]): StoredAnswer => ({
  kind: 'answer',
  status: 200,
  reason: 'OK',
  fields: new Fields(lines),
  body,
  initialAgeMs: 12,
  lifetimeSeconds: 60,
  lifetimeSource: 'explicit',
  selecting: ['a', null],
});
const JSON_TYPE: FieldLine = ['Content-Type', 'application/json'];
const textOf = (stored: Buffer): string => stored.toString('utf8');

describe('an answer in Redis', () => {
  it('is JSON, and comes back byte by byte, whatever it is', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    );
    const type = fc.constantFrom<FieldLine[]>(
      [JSON_TYPE],
      [['content-type', 'text/plain']],
      [JSON_TYPE, ['content-encoding', 'gzip']],
      [],
    );
    fc.assert(
      fc.property(body, type, (bytes, lines) => {
        const stored = encodeStored(answerOf(bytes, lines), 0);
        expect(() => JSON.parse(textOf(stored)) as unknown).not.toThrow();
        const { body: back, ...rest } = decodeStored(stored) as StoredAnswer;
        const { body: _, ...given } = answerOf(bytes, lines);
        expect(back.equals(bytes)).toBe(true);
        expect(rest).toEqual(given);
      }),
    );
  });

  it('has JSON under `response` as it came, and text as text', () => {
    const json = encodeStored(answerOf(Buffer.from('{"n": 1.50, "big": 12345678901234567890}'), [JSON_TYPE]), 0);
    expect(textOf(json)).toContain('"response":{"n": 1.50, "big": 12345678901234567890}}');
    expect(JSON.parse(textOf(json))).toMatchObject({ status: 200, timestamp: '1970-01-01T00:00:00.000Z' });
    expect(JSON.parse(textOf(encodeStored(answerOf(Buffer.from('día'), []), 0)))).toMatchObject({
      response: 'día',
      encoding: 'text',
    });
  });

  it('reads what this version has written for good', () => {
    const golden =
      '{"body_at":"00000257","status":200,"timestamp":"1970-01-01T00:00:00.000Z","encoding":"json","http":{"reason":"OK","fields":[["Content-Type","application/json"]],"initial_age_ms":12,"lifetime_s":60,"lifetime_of":"explicit","selecting":["a",null]},"response":{"a":1}}';
    expect(textOf(encodeStored(answerOf(Buffer.from('{"a":1}'), [JSON_TYPE]), 0))).toBe(golden);
    expect(decodeStored(Buffer.from(golden))).toEqual(answerOf(Buffer.from('{"a":1}'), [JSON_TYPE]));
  });

  it('what an answer of unknown age says of it survives', () => {
    const stored = encodeStored({ ...answerOf(Buffer.from(''), []), initialAgeMs: Number.POSITIVE_INFINITY }, 0);
    expect((decodeStored(stored) as StoredAnswer).initialAgeMs).toBeGreaterThan(1e15);
  });

  it('trap 10: what somebody else wrote is a miss', () => {
    for (const text of [
      '',
      '{}',
      '[]',
      '{"response":1,"status":200,"timestamp":"x"}',
      '{"body_at":"99999999"}',
      'null',
    ]) {
      expect(() => decodeStored(Buffer.from(text))).toThrow(Error);
    }
  });
});
