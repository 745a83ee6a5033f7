import * as fc from 'fast-check';
import { encodeStoredAnswer, PROLOGUE_BYTES, sliceResponse } from './stored-answer.js';

const facts = { model: 'gpt-4o-2024-08-06', tokens: 11, timestamp: '2026-01-02T03:04:05.678Z' };
const answer = Buffer.from('{"id":"chatcmpl-1",  "choices":[{"message":{"content":"Olé \\ud83d\\ude00"}}]}');

/** Version 1 as it must be readable for ever; never to be regenerated. */
const GOLDEN =
  '{"stored":{"version":  1,"from":        75,"length":        77},"response":' +
  '{"id":"chatcmpl-1",  "choices":[{"message":{"content":"Olé \\ud83d\\ude00"}}]}' +
  ',"model":"gpt-4o-2024-08-06","tokens":11,"timestamp":"2026-01-02T03:04:05.678Z"}';

describe('the stored answer', () => {
  const value = encodeStoredAnswer(answer, facts);

  it('has the bytes of its version', () => {
    expect(value.toString()).toBe(GOLDEN);
    expect(value.subarray(0, PROLOGUE_BYTES).toString()).toMatch(/"response":$/);
  });

  it('is JSON with the fields of its family', () => {
    expect(JSON.parse(value.toString())).toMatchObject({ response: JSON.parse(answer.toString()) as object, ...facts });
  });

  it('gives the verbatim bytes back as a slice', () => {
    const slice = sliceResponse(value) as Buffer;
    expect(slice.equals(answer)).toBe(true);
    expect(slice.buffer).toBe(value.buffer);
    expect(sliceResponse(Buffer.from(GOLDEN))?.equals(answer)).toBe(true);
  });

  it('says unknown where the provider said nothing', () => {
    const unknown = encodeStoredAnswer(null, { ...facts, model: null, tokens: null });
    expect(JSON.parse(unknown.toString())).toMatchObject({ response: null, model: null, tokens: null });
    expect(sliceResponse(unknown)?.toString()).toBe('null');
  });

  it('is JSON, and gives its answer back, for every answer', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (json, model) => {
        const text = JSON.stringify(json);
        const stored = encodeStoredAnswer(Buffer.from(text), { ...facts, model });
        expect(sliceResponse(stored)?.toString()).toBe(text);
        expect(JSON.parse(stored.toString())).toMatchObject({ model: Buffer.from(model).toString() });
      }),
    );
  });

  it('trap 10: reads a newer version, a cut value or another hand as absent', () => {
    const changed = (from: string, to: string) => sliceResponse(Buffer.from(GOLDEN.replace(from, to)));
    expect(changed('"version":  1', '"version":  2')).toBeNull();
    expect(changed('"version":  1', '"version":100')).toBeNull();
    expect(changed('"length":        77', '"length":        76')).toBeNull();
    expect(changed('"length":        77', '"length":9999999999')).toBeNull();
    expect(changed('"from":        75', '"from":        74')).toBeNull();
    expect(changed('"from":        75', '"from":       -75')).toBeNull();
    expect(changed('"response"', '"Response"')).toBeNull();
    expect(sliceResponse(value.subarray(0, 100))).toBeNull();
    expect(sliceResponse(Buffer.from('{"response":{},"model":"m","tokens":1,"timestamp":"t"}'))).toBeNull();
    expect(sliceResponse(Buffer.alloc(0))).toBeNull();
  });
});
