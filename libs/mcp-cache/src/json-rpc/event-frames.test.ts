import fc from 'fast-check';
import { EventFrames } from './event-frames.js';

const STREAM = 'id: 1\r\nevent: message\r\ndata: {"a":1}\r\n\r\n: alive\n\ndata: {"b":\ndata: 2}\n\ndata\rdata:x\r\r';

describe('frames of events', () => {
  it('pass on every byte and say the data, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
        const bytes = Buffer.from(STREAM);
        const frames = new EventFrames();
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const found = places.slice(1).flatMap((end, at) => frames.push(bytes.subarray(places[at], end)));
        expect(Buffer.concat([...found.map((frame) => frame.bytes), frames.rest]).toString()).toBe(STREAM);
        expect(found.slice(0, 3).map(({ data }) => data)).toEqual(['{"a":1}', null, '{"b":\n2}']);
      }),
    );
  });

  it('pass on bytes that nobody writes to again', () => {
    const frames = new EventFrames();
    const chunks = ['data: 1', '\n\ndata: 2', '\n\n', 'data: 3\n\n'].map((text) => Buffer.from(text));
    const found = chunks.flatMap((chunk) => frames.push(chunk));
    expect(found.map(({ bytes }) => bytes.toString())).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
    expect(chunks[0]?.toString()).toBe('data: 1');
  });

  it('of one that comes in many pieces, copy each byte a few times only', () => {
    const [pieces, size] = [2000, 100];
    const made = [jest.spyOn(Buffer, 'concat'), jest.spyOn(Buffer, 'allocUnsafe')];
    const frames = new EventFrames();
    const piece = Buffer.alloc(size, 'x');
    for (let at = 0; at < pieces; at += 1) expect(frames.push(piece)).toEqual([]);
    const lengths = made.flatMap(({ mock }) => mock.results.map(({ value }) => (value as Buffer).length));
    jest.restoreAllMocks();
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(8 * pieces * size);
    expect(frames.rest).toHaveLength(pieces * size);
  });

  it('keep a half one back', () => {
    const frames = new EventFrames();
    expect(frames.push(Buffer.from('data: 1\n'))).toEqual([]);
    expect(frames.rest.toString()).toBe('data: 1\n');
    expect(frames.push(Buffer.from('\n')).map(({ data }) => data)).toEqual(['1']);
  });
});
