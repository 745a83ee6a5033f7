import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { LexicalEmbedder, LEXICAL_DIMENSIONS, lexicalVector } from './lexical-embedder.js';
import { dot } from './vector.js';

function similarity(a: string, b: string): number {
  return dot(lexicalVector(a), lexicalVector(b));
}

describe('the lexical embedder', () => {
  it('gives each text a unit vector, or none where there are no words, for all texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const vector = lexicalVector(text);
        const length = Math.sqrt(dot(vector, vector));
        expect(vector).toHaveLength(LEXICAL_DIMENSIONS);
        expect(length === 0 || Math.abs(length - 1) < 1e-5).toBe(true);
        expect(lexicalVector(text)).toEqual(vector);
      }),
    );
  });

  it('does not see case, white space or the form of an apostrophe', () => {
    expect(lexicalVector('What’s  NEW\nhere?')).toEqual(lexicalVector("what's new here"));
  });

  it('finds what shares words and pieces of words nearer than what does not', () => {
    const asked = 'How do I reset my password?';
    expect(similarity(asked, 'How can I reset my password?')).toBeGreaterThan(0.75);
    expect(similarity(asked, 'How do I reset my pasword?')).toBeGreaterThan(0.6);
    expect(similarity(asked, 'Which wine goes with fish?')).toBeLessThan(0.2);
  });

  it('sees the order of words', () => {
    expect(similarity('dollars to euros', 'euros to dollars')).toBeLessThan(0.95);
  });

  /** The vectors lie in Redis for days, shared by processes of several versions: the same text must have the same one. */
  it('stays what it is: another vector needs another version of the space', () => {
    const vector = lexicalVector('How do I enable 2FA for Ana Gómez?');
    expect(new LexicalEmbedder().space).toBe('lexical:1');
    expect(createHash('sha256').update(Buffer.from(vector.buffer)).digest('hex')).toBe(
      'f803d21efa91f16e86bee3224ff977f4c67f9f6ac4f3bf5c81015e6797ba2caa',
    );
  });

  it('embeds many at once, in order', async () => {
    const { vectors, inputTokens } = await new LexicalEmbedder().embed(['one', 'other']);
    expect(vectors).toEqual([lexicalVector('one'), lexicalVector('other')]);
    expect(inputTokens).toBeNull();
  });
});
