import { parseBody } from '@promptsales/cache-core';
import fc from 'fast-check';
import { assembled, jsonOf, MESSAGE, USAGE } from '../../../test/messages/message-events.js';
import { MESSAGES } from './messages.js';

describe('a stream made from a message', () => {
  const message = (content: unknown[], more: object = {}): object => ({
    ...MESSAGE,
    content,
    stop_reason: 'end_turn',
    usage: { ...USAGE, output_tokens: 89 },
    ...more,
  });
  const synthesised = (of: unknown): string | null => {
    const frames = MESSAGES.synthesise(Buffer.from(JSON.stringify(of)));
    return frames === null ? null : frames.map(({ raw }) => raw.toString()).join('');
  };

  it('trap 14: gives the message back, whatever is in it', () => {
    const string = fc.string({ unit: 'binary', maxLength: 60 });
    const citation = fc.record({ type: fc.constant('char_location'), cited_text: string });
    const content = fc.oneof(
      fc.record({ type: fc.constant('text'), text: string }),
      fc.record({ type: fc.constant('text'), text: string, citations: fc.array(citation, { maxLength: 3 }) }),
      fc.record({ type: fc.constant('thinking'), thinking: string, signature: string }),
      fc.record({ type: fc.constant('redacted_thinking'), data: string }),
      fc.record({
        type: fc.constant('tool_use'),
        id: string,
        name: string,
        input: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 })),
      }),
    );
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), (blocks) => {
        const of = JSON.parse(JSON.stringify(message(blocks))) as object;
        // Numbers and texts that readers disagree about are another test's.
        fc.pre(parseBody(Buffer.from(JSON.stringify(of))).faithful);
        const stream = synthesised(of);
        if (stream === null) throw new Error('it was not synthesised');
        const whole = assembled(stream);
        expect(jsonOf(whole)).toEqual(of);
        expect([whole.defect, whole.jsonDiffers]).toEqual([null, undefined]);
        // Put together again it makes the same stream.
        expect(synthesised(jsonOf(whole))).toBe(stream);
      }),
    );
  });

  it('streams text and input in pieces, and ends as streams do', () => {
    const stream = synthesised(message([{ type: 'text', text: 'one two three' }])) ?? '';
    expect(stream.match(/text_delta/g)).toHaveLength(3);
    expect(stream.startsWith('event: message_start\n')).toBe(true);
    expect(stream.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n')).toBe(true);
  });

  it('is not made of what is no message, or what readers would round', () => {
    for (const none of [
      null,
      [],
      'x',
      {},
      { type: 'error', error: {} },
      message([1]),
      message([{ type: 'text', text: 1 }], { content: 1 }),
    ]) {
      expect(synthesised(none)).toBeNull();
    }
    const rounded = JSON.stringify(message([{ type: 'tool_use', id: 't', name: 'n', input: { id: 1 } }]));
    expect(MESSAGES.synthesise(Buffer.from(rounded.replace('{"id":1}', '{"id":12345678901234567890}')))).toBeNull();
    expect(MESSAGES.synthesise(Buffer.from('{'))).toBeNull();
  });
});
