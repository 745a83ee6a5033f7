import { base, chunk, delta, DONE, STOP, USAGE } from '../../../test/chat-chunks.js';
import { ChatAssembler } from './assemble.js';

/** As many as are asked for, each with its own text. */
function* pieces(count: number, text: string): Generator<string> {
  for (let at = 0; at < count; at++) yield chunk([delta({ content: text })]);
}

describe('an answer that outgrows its bound', () => {
  const merged = (maxBytes: number, frames: Iterable<string>) => {
    const assembler = new ChatAssembler(maxBytes);
    for (const frame of frames) assembler.push(Buffer.from(frame));
    return assembler;
  };

  it('is not merged any more, and is billed all the same', () => {
    const assembler = merged(10_000, pieces(200, 'x'.repeat(100)));
    expect(assembler.outgrown).toBe(true);
    for (const frame of [chunk([STOP]), chunk([], { usage: USAGE }), DONE]) assembler.push(Buffer.from(frame));
    expect(assembler.finish()).toMatchObject({
      json: null,
      defect: 'too_large',
      facts: { model: base.model, responseId: 'c1', usage: { inputTokens: 3, outputTokens: 4 } },
    });
  });

  it('is measured by what it says, not by the frames around it', () => {
    const assembler = merged(10_000, pieces(5000, 'x'));
    expect(assembler.outgrown).toBe(false);
    for (const frame of [chunk([STOP]), DONE]) assembler.push(Buffer.from(frame));
    expect(assembler.finish().json?.length).toBeGreaterThan(5000);
  });

  it.each([
    ['choices', (at: number) => chunk([{ ...STOP, index: at }])],
    ['tool calls', (at: number) => chunk([delta({ tool_calls: [{ index: at, function: { name: 'f' } }] })])],
    ['members', (at: number) => chunk([delta({ [`member${at}`]: at })])],
    ['members beside the choices', (at: number) => chunk([], { [`member${at}`]: at })],
  ])('may grow by %s', (_what, frameAt) => {
    expect(
      merged(
        10_000,
        Array.from({ length: 1000 }, (_, at) => frameAt(at)),
      ).outgrown,
    ).toBe(true);
  });

  it('is still an error of the provider, or cut off, where it is that', () => {
    const frames = [...pieces(200, 'x'.repeat(100))];
    expect(merged(10_000, frames).finish().defect).toBe('no_terminal_event');
    const failed = [...frames, 'data: {"error":{"message":"boom"}}\n\n', DONE];
    expect(merged(10_000, failed).finish()).toMatchObject({ defect: 'in_band_error', complaint: 'boom' });
  });
});
