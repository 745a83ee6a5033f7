import { ImageAssembler } from './assemble.js';

const PNG = Buffer.from('an image').toString('base64');
const USAGE = { input_tokens: 10, output_tokens: 20, total_tokens: 30 };

const frame = (type: string, more: object = {}): Buffer =>
  Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, b64_json: PNG, ...more })}\n\n`);
const partial = frame('image_generation.partial_image', { partial_image_index: 0 });
const completed = frame('image_generation.completed', { created_at: 7, size: '1024x1024', usage: USAGE });

function read(frames: readonly Buffer[], images = 1, maxBytes = 10_000) {
  const assembler = new ImageAssembler(maxBytes, images);
  const terminal = frames.map((one) => assembler.push(one).terminal);
  return { terminal, outgrown: assembler.outgrown, ...assembler.finish() };
}

describe('the events of an image that is being drawn', () => {
  it('end with the image, and make the answer that had come without them', () => {
    const { terminal, defect, facts, json, jsonDiffers } = read([partial, Buffer.from(': wait\n\n'), completed]);
    expect(terminal).toEqual([false, false, true]);
    expect([defect, jsonDiffers]).toEqual([null, true]);
    expect(facts.usage).toMatchObject({ inputTokens: 10, outputTokens: 20 });
    const answer = { created: 7, data: [{ b64_json: PNG }], size: '1024x1024', usage: USAGE };
    expect(JSON.parse(String(json))).toEqual(answer);
  });

  it('go on until as many are complete as were asked for', () => {
    const { terminal, json, facts } = read([completed, partial, completed], 2);
    expect(terminal).toEqual([false, false, true]);
    expect((JSON.parse(String(json)) as { data: unknown[] }).data).toHaveLength(2);
    expect(facts.usage).toBeNull();
  });

  it.each([
    ['no end', [partial], 'no_terminal_event'],
    ['one of two', [completed], 'no_terminal_event', 2],
    ['base64 that is none', [frame('image_generation.completed', { b64_json: '<html>' })], 'no_image'],
    ['a draft that is none', [frame('image_generation.partial_image', { b64_json: null }), completed], 'no_image'],
    ['what is no JSON', [Buffer.from('data: <html>\n\n'), completed], 'unreadable'],
    ['an error', [partial, Buffer.from('event: error\ndata: {"error":{"message":"no"}}\n\n')], 'in_band_error'],
    ['an error of a type', [Buffer.from('data: {"type":"error","message":"no"}\n\n')], 'in_band_error'],
  ] as const)('are not kept with %s', (_what, frames, defect, images: number = 1) => {
    expect(read(frames, images)).toMatchObject({ defect, json: null });
  });

  it('tell what the error was', () => {
    expect(read([Buffer.from('data: {"error":{"message":"no paint"}}\n\n')]).complaint).toBe('no paint');
  });

  it('are not merged beyond their bound', () => {
    expect(read([completed], 1, 10)).toMatchObject({ outgrown: true, defect: 'too_large', json: null });
  });
});
