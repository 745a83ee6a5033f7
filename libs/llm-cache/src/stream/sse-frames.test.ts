import * as fc from 'fast-check';
import { endsWithBlankLine, FrameTooLargeError, readFrame, SseSplitter } from './sse-frames.js';

/** Splits with the network cutting at the given places. */
function split(bytes: Buffer, cuts: readonly number[] = []): { frames: string[]; rest: string | null } {
  const splitter = new SseSplitter(1 << 20);
  const frames: string[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    // A copy, so that a frame that would refer to the next chunk's memory shows.
    for (const frame of splitter.push(Buffer.from(bytes.subarray(from, to)))) frames.push(frame.toString('latin1'));
    from = to;
  }
  return { frames, rest: splitter.finish()?.toString('latin1') ?? null };
}

describe('splitting a stream of events', () => {
  it.each([
    ['LF', 'data: a\n\ndata: b\n\n', ['data: a\n\n', 'data: b\n\n']],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['data: a\r\n\r\n', 'data: b\r\n\r\n']],
    ['CR', 'data: a\r\rdata: b\r\r', ['data: a\r\r', 'data: b\r\r']],
    ['comments', ': hello\n\ndata: a\n: b\n\n', [': hello\n\n', 'data: a\n: b\n\n']],
    ['a byte order mark', '\xef\xbb\xbfdata: a\n\n', ['\xef\xbb\xbfdata: a\n\n']],
    ['blank lines', '\n\ndata: a\n\n\n', ['\n', '\n', 'data: a\n\n', '\n']],
    ['mixed ends', 'data: a\r\n\ndata: b\n\r\n', ['data: a\r\n\n', 'data: b\n\r\n']],
  ])('keeps the bytes of %s', (_, text, frames) => {
    expect(split(Buffer.from(text, 'latin1'))).toEqual({ frames, rest: null });
  });

  it('hands over what never ended', () => {
    expect(split(Buffer.from('data: a\n\ndata: [DONE]'))).toEqual({ frames: ['data: a\n\n'], rest: 'data: [DONE]' });
    expect(split(Buffer.from('data: a\r\n\r'))).toEqual({ frames: [], rest: 'data: a\r\n\r' });
  });

  it('gives equal frames wherever the network cuts, and loses no byte', () => {
    const piece = fc.constantFrom(
      '\n',
      '\r',
      '\r\n',
      'data: x',
      'data',
      ':',
      ' ',
      'event: e',
      '{"a":1}',
      'é',
      '\ufeff',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.infiniteStream(fc.boolean()), (pieces, cutHere) => {
        const bytes = Buffer.from(pieces.join(''));
        const whole = split(bytes);
        expect(whole.frames.join('') + (whole.rest ?? '')).toBe(bytes.toString('latin1'));
        const everywhere = Array.from({ length: Math.max(0, bytes.length - 1) }, (_, index) => index + 1);
        expect(split(bytes, everywhere)).toEqual(whole);
        expect(
          split(
            bytes,
            everywhere.filter(() => cutHere.next().value),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it('never holds a complete frame back in an LF or CR stream', () => {
    for (const text of ['data: a\n\n', 'data: a\r\r']) {
      const splitter = new SseSplitter(100);
      // The first CR alone could still be half a CRLF; from the second line on the stream has shown its style.
      const frames = splitter.push(Buffer.from(text + text));
      expect(frames.map(String)).toEqual([text, text]);
    }
  });

  it('refuses a frame over the cap, in one chunk or in many', () => {
    expect(() => new SseSplitter(10).push(Buffer.from('data: 0123456789\n\n'))).toThrow(FrameTooLargeError);
    const splitter = new SseSplitter(10);
    splitter.push(Buffer.from('data: 0'));
    expect(() => splitter.push(Buffer.from('123456'))).toThrow(FrameTooLargeError);
  });
});

describe('reading a frame', () => {
  it.each([
    ['data: a\n\n', { event: null, data: 'a' }],
    ['data:a\r\n\r\n', { event: null, data: 'a' }],
    ['data:  a\n\n', { event: null, data: ' a' }],
    ['data: a\ndata: b\n\n', { event: null, data: 'a\nb' }],
    ['data\n\n', { event: null, data: '' }],
    ['event: error\rdata: {}\r\r', { event: 'error', data: '{}' }],
    [': comment\n\n', { event: null, data: null }],
    ['id: 1\nretry: 5\ndatax: y\n\n', { event: null, data: null }],
    ['\ufeffdata: é\n\n', { event: null, data: 'é' }],
    ['data: [DONE]', { event: null, data: '[DONE]' }],
    ['\ndata: a\r\n\r', { event: null, data: 'a' }],
  ])('%j', (text, message) => {
    expect(readFrame(Buffer.from(text))).toMatchObject(message);
  });

  it.each([
    ['without a colon', 'a\n'],
    ['in LF before a CR', 'data:\n'],
    ['in CR before an LF', 'data:\r'],
  ])('looks at each byte a few times at most, however many lines there are %s', (_what, line) => {
    const frame = Buffer.from(`${line.repeat(1000)}\r\n: x\n`);
    let looked = 0;
    const indexOf = frame.indexOf.bind(frame);
    frame.indexOf = ((byte: number, from: number) => {
      const at = indexOf(byte, from);
      looked += (at === -1 ? frame.length : at + 1) - from;
      return at;
    }) as typeof frame.indexOf;
    readFrame(frame);
    expect(looked).toBeLessThan(4 * frame.length);
  });

  it('says where one line of data lies, and nothing where there are two', () => {
    const frame = Buffer.from('event: x\r\ndata: {"a":1}\r\n\r\n');
    const { dataAt } = readFrame(frame);
    expect(dataAt && frame.toString('utf8', dataAt.from, dataAt.to)).toBe('{"a":1}');
    expect(readFrame(Buffer.from('data: a\ndata: b\n\n')).dataAt).toBeNull();
  });
});

it.each([
  ['\n\n', true],
  ['x\r\n\r\n', true],
  ['x\r\r', true],
  ['x\n\r\n', true],
  ['x\r\n\r', true],
  ['', false],
  ['x', false],
  ['x\n', false],
  ['x\r\n', false],
  ['x\r', false],
  ['\n\nx', false],
])('%j ends with a blank line: %s', (text, ends) => {
  expect(endsWithBlankLine(Buffer.from(`data: 1${text}`))).toBe(ends);
});
