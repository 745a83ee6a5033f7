import * as fc from 'fast-check';
import { NO_TOKENS } from '../ledger/openai-usage.js';
import { decodeNote, encodeNote, type AnswerNote } from './answer-note.js';

const count = fc.oneof(fc.constant(null), fc.nat());
const usage = fc.record({
  inputTokens: count,
  cachedInputTokens: count,
  cacheWrite5mTokens: count,
  cacheWrite1hTokens: count,
  audioInputTokens: count,
  imageInputTokens: count,
  outputTokens: count,
  reasoningTokens: count,
  audioOutputTokens: count,
  imageOutputTokens: count,
});
const field = (maxLength: number) =>
  fc.oneof(fc.constant(null), fc.constant('-'), fc.string({ minLength: 1, maxLength, unit: 'grapheme' }));
const note: fc.Arbitrary<AnswerNote> = fc.record({
  hasJson: fc.boolean(),
  hasFrames: fc.boolean(),
  framesHaveUsage: fc.boolean(),
  facts: fc.record({
    usage: fc.oneof(fc.constant(null), usage),
    model: field(400),
    serviceTier: field(3),
    responseId: field(400),
  }),
});

describe('the note beside an answer', () => {
  it('has the text of its version', () => {
    const facts = {
      usage: {
        inputTokens: 12,
        cachedInputTokens: 0,
        cacheWrite5mTokens: null,
        cacheWrite1hTokens: null,
        audioInputTokens: 0,
        imageInputTokens: null,
        outputTokens: 34,
        reasoningTokens: 5,
        audioOutputTokens: 0,
        imageOutputTokens: null,
      },
      model: 'openai/gpt-4o',
      serviceTier: 'default',
      responseId: 'chatcmpl-1',
    };
    const text = '1|jfu|12,0,-,-,0,-,34,5,0,-|default|openai%2Fgpt-4o|chatcmpl-1';
    expect(encodeNote({ hasJson: true, hasFrames: true, framesHaveUsage: true, facts })).toBe(text);
    expect(decodeNote(text)).toEqual({ hasJson: true, hasFrames: true, framesHaveUsage: true, facts });
  });

  it('counts images after the tokens, where they are what is counted', () => {
    const facts = { usage: { ...NO_TOKENS, images: 3 }, model: null, serviceTier: 'hd 1024x1792', responseId: null };
    const text = '1|j|-,-,-,-,-,-,-,-,-,-,3|hd%201024x1792|-|-';
    expect(encodeNote({ hasJson: true, hasFrames: false, framesHaveUsage: false, facts })).toBe(text);
    expect(decodeNote(text)?.facts).toEqual(facts);
    for (const counts of ['-,-,-,-,-,-,-,-,-,-,-', '-,-,-,-,-,-,-,-,-,-,1,1', '-,-,-,-,-,-,-,-,-,-,x']) {
      expect(decodeNote(`1|j|${counts}|-|-|-`)?.facts.usage).toBeNull();
    }
  });

  it('trap 20: gives back what was known, fits the sidecar, and turns nothing unknown into zero', () => {
    fc.assert(
      fc.property(note, (original) => {
        const text = encodeNote(original);
        expect(text.length).toBeLessThanOrEqual(256);
        const back = decodeNote(text);
        expect(back).toMatchObject({ ...original, facts: { usage: original.facts.usage } });
        for (const name of ['model', 'serviceTier', 'responseId'] as const) {
          expect([original.facts[name], null]).toContain(back?.facts[name]);
        }
        // A short model's name is never what has to go.
        const short = (original.facts.model ?? '').length < 10;
        expect(short ? back?.facts.model : original.facts.model).toBe(original.facts.model);
      }),
    );
  });

  it.each(['', '2|jfu|-|-|-|-', '1|x|-|-|-|-', '1|j|-|-|-', '1|j|-|-|-|-|-'])(
    'trap 10: reads %p as no note',
    (text) => {
      expect(decodeNote(text)).toBeNull();
    },
  );
});
