import fc from 'fast-check';
import { decodeItemNote, encodeItemNote } from './item-note.js';

describe('the note beside a kept vector', () => {
  it('gives back what it was given, in 256 characters at most', () => {
    const facts = fc.record({
      form: fc.constantFrom('base64' as const, 'float' as const),
      tokens: fc.option(fc.nat({ max: 1e9 })),
      model: fc.option(fc.oneof(fc.string({ minLength: 1, maxLength: 60 }), fc.constantFrom('-', '%', '|', 'a|b'))),
    });
    fc.assert(
      fc.property(facts, (one) => {
        const note = encodeItemNote(one);
        expect(note.length).toBeLessThanOrEqual(256);
        const read = decodeItemNote(note);
        expect(read).toEqual({ ...one, model: read?.model ?? null });
        if (note.endsWith('|-')) expect(read?.model).toBeNull();
        else expect(read?.model).toBe(one.model);
      }),
    );
    expect(encodeItemNote({ form: 'float', tokens: 3, model: 'text-embedding-3-small' })).toBe(
      '1|f|3|text-embedding-3-small',
    );
  });

  it('reads nothing that it has not written', () => {
    for (const note of ['', '2|f|3|m', '1|x|3|m', '1|f|-3|m', '1|f|3', '1|f|3|', '1|f|3|%', '1|f|3|m|n']) {
      expect(decodeItemNote(note)).toBeNull();
    }
  });
});
