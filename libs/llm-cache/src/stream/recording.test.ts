import { encodeRecording, NO_CUT, Recording, type RecordedFrame } from './recording.js';

const frames: RecordedFrame[] = [
  { raw: Buffer.from('data: {"a":1,"usage":null}\n\n'), afterMicros: 0, cut: { from: 12, length: 13 } },
  { raw: Buffer.from(': ping\n\n'), afterMicros: 1500, cut: NO_CUT },
  { raw: Buffer.from('data: {"usage":{}}\n\n'), afterMicros: 2_000_000, cut: { from: 0, length: 20 } },
  { raw: Buffer.from('data: [DONE]\n\n'), afterMicros: 10, cut: NO_CUT },
];
const WITHOUT_USAGE = 'data: {"a":1}\n\n: ping\n\ndata: [DONE]\n\n';

/** Version 1 as it must be readable for ever. Made once by hand from the layout; never to be regenerated. */
const GOLDEN =
  '505353520101000004000000460000006461 74613a207b2261223a312c227573616765223a6e756c6c7d0a0a3a2070696e670a0a646174613a207b227573616765223a7b7d7d0a0a646174613a205b444f4e455d0a0a' +
  '1c000000000000000c0000000d000000' +
  '08000000dc0500000000000000000000' +
  '1400000080841e000000000014000000' +
  '0e0000000a0000000000000000000000';

describe('a recorded stream', () => {
  const bytes = encodeRecording(frames, { usageAsked: true, synthesised: false });
  const recording = Recording.read(bytes) as Recording;

  it('has the bytes of its version', () => {
    expect(bytes.toString('hex')).toBe(GOLDEN.replaceAll(' ', ''));
    expect(recording).toMatchObject({ frameCount: 4, usageAsked: true, synthesised: false });
  });

  it('gives a reader who asked for usage every byte, in one slice of its own memory', () => {
    expect(recording.body.toString()).toBe(frames.map(({ raw }) => raw).join(''));
    expect(recording.slices(true)).toHaveLength(1);
    expect(recording.body.buffer).toBe(bytes.buffer);
  });

  it('gives any other reader what the provider would have sent him', () => {
    const slices = recording.slices(false);
    expect(Buffer.concat(slices).toString()).toBe(WITHOUT_USAGE);
    expect(slices).toHaveLength(3);
  });

  it('trap 14: gives frame by frame the same bytes and all of the time', () => {
    for (const withUsage of [true, false]) {
      const paced = [...recording.frames(withUsage)];
      expect(Buffer.concat(paced.flatMap(({ slices }) => slices))).toEqual(Buffer.concat(recording.slices(withUsage)));
      expect(paced.reduce((sum, { afterMicros }) => sum + afterMicros, 0)).toBe(2_001_510);
    }
    expect([...recording.frames(false)].map(({ afterMicros }) => afterMicros)).toEqual([0, 1500, 2_000_010]);
  });

  it('trap 10: reads anything else as absent', () => {
    const broken = (change: (copy: Buffer) => void): Buffer => {
      const copy = Buffer.from(bytes);
      change(copy);
      return copy;
    };
    expect(Recording.read(Buffer.alloc(0))).toBeNull();
    expect(Recording.read(bytes.subarray(0, -1))).toBeNull();
    expect(Recording.read(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeNull();
    expect(Recording.read(broken((copy) => copy.writeUInt8(2, 4)))).toBeNull();
    expect(Recording.read(broken((copy) => copy.writeUInt8(0, 0)))).toBeNull();
    expect(Recording.read(broken((copy) => copy.writeUInt32LE(5, 8)))).toBeNull();
    expect(Recording.read(broken((copy) => copy.writeUInt32LE(0xffff_ffff, 12)))).toBeNull();
    expect(Recording.read(broken((copy) => copy.writeUInt32LE(99, bytes.length - 4)))).toBeNull();
    expect(Recording.read(broken((copy) => copy.writeUInt32LE(15, bytes.length - 16)))).toBeNull();
  });

  it('holds nothing, too', () => {
    const empty = Recording.read(encodeRecording([], { usageAsked: false, synthesised: true })) as Recording;
    expect(empty).toMatchObject({ frameCount: 0, usageAsked: false, synthesised: true });
    expect(empty.slices(false)).toEqual([]);
  });
});
