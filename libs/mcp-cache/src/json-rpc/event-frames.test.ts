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

  it('keep a half one back', () => {
    const frames = new EventFrames();
    expect(frames.push(Buffer.from('data: 1\n'))).toEqual([]);
    expect(frames.rest.toString()).toBe('data: 1\n');
    expect(frames.push(Buffer.from('\n')).map(({ data }) => data)).toEqual(['1']);
  });
});
