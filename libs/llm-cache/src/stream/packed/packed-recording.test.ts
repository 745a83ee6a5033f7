import fc from 'fast-check';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { encodeRecording, NO_CUT, Recording, type RecordedFrame } from '../recording.js';
import { LIKENESS } from './likeness.js';
import { packRecording, readRecording } from './packed-recording.js';
import { CUT_RULES } from './text-cuts.js';

const FACTS = { usageAsked: true, synthesised: false };
const NO_ANSWER = Buffer.from('null');

function framesOf(texts: readonly (string | Buffer)[], afterMicros = 0): RecordedFrame[] {
  return texts.map((text) => ({ raw: Buffer.from(text as string), afterMicros, cut: NO_CUT }));
}

/** Packed against this answer, and read beside it again. */
function throughRedis(frames: readonly RecordedFrame[], answer: Buffer = NO_ANSWER): Recording {
  const packed = packRecording(encodeRecording(frames, FACTS), answer);
  return readRecording(packed, answer) as Recording;
}

function expectSame(read: Recording | null, frames: readonly RecordedFrame[]): void {
  const whole = Recording.read(encodeRecording(frames, FACTS)) as Recording;
  expect(read).not.toBeNull();
  expect(read?.frameCount).toBe(frames.length);
  expect([...(read?.rows() ?? [])].map(({ length }) => length)).toEqual(frames.map(({ raw }) => raw.length));
  expect(read?.body.equals(whole.body)).toBe(true);
  expect(Buffer.concat(read?.slices(false) ?? []).equals(Buffer.concat(whole.slices(false)))).toBe(true);
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
/** What comes near JSON and is none, in likes and unlikes. */
const jsonLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'data: {"a":"',
        '","b":',
        '}\n\n',
        '\r\n',
        ': ping',
        '"',
        '\\"',
        '\\',
        '\\u00e9',
        '[1,2',
        '-',
        ':',
        ',',
      ),
      fc.constantFrom('0', '-0', '007', '1e5', '9007199254740993', '123456789012345', '-5', '3.25', '٣', '\u0000'),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.from(parts.join('')));
const chunkLike = fc
  .record({ id: fc.constantFrom('x', 'y'), n: fc.integer(), text: fc.string({ unit: 'binary', maxLength: 9 }) })
  .map(({ id, n, text }) => Buffer.from(`data: ${JSON.stringify({ id, n, delta: { text }, usage: null })}\n\n`));

const frame: fc.Arbitrary<RecordedFrame> = fc
  .tuple(fc.oneof(bytes, jsonLike, chunkLike), fc.nat(5_000_000))
  .chain(([raw, afterMicros]) =>
    fc.tuple(fc.nat(raw.length), fc.nat(raw.length), fc.boolean()).map(([one, other, isCut]) => {
      const [from, to] = [Math.min(one, other), Math.max(one, other)];
      return { raw, afterMicros, cut: isCut ? { from, length: to - from } : NO_CUT };
    }),
  );

/** Of every kind: constants, counters, words, tokens, cuts, a frame like no other. */
const GOLDEN_FRAMES: RecordedFrame[] = [
  ...['', 'Half ', 'price, ', 'today\\n', 'only'].map((text, at) => {
    const raw = Buffer.from(`data: {"id":"cmpl-7","n":${at + 3},"text":"${text}","usage":null}\n\n`);
    return { raw, afterMicros: 20_400, cut: { from: raw.length - 16, length: 13 } };
  }),
  ...['Buy', ' one', ',', ' get', ' 12', '!\\n\\n', 'Now', 'here', ' \\u20ac', ' 5', '.'].map((text) => ({
    raw: Buffer.from(`event: content_block_delta\ndata: {"delta":{"text":"${text}"}}\r\n\r\n`),
    afterMicros: 600,
    cut: NO_CUT,
  })),
  { raw: Buffer.from(`[${'1,'.repeat(70)}1]\n\n`), afterMicros: 3_000_000, cut: { from: 4, length: 9 } },
  { raw: Buffer.from('data: {"usage":{"total_tokens":7}}\n\n'), afterMicros: 0, cut: { from: 0, length: 36 } },
  { raw: Buffer.from('data: [DONE]\n\n'), afterMicros: 0, cut: NO_CUT },
];
const GOLDEN_ANSWER = Buffer.from('{"id":"cmpl-7","text":"Half price, today\\nonly","usage":{"total_tokens":7}}');
/** Version 2 as it must be readable for ever: what lies in Redis outlives the process that wrote it. Never to be made anew. */
const GOLDEN =
  'UFNTUgIB1wEAACi1L/1k1wDFBQB0BxOBCQQ0N30KCj1CdXkifX0NCg0KJAoKDgECAAMEFBUUFRQBAAEAAbgXAAAEJA0ABAQJAQACkQEBAJEBWz' +
  'EsXQoKAAEGAhcEBQcHAyUCBQAFA0J1eSBvbmUsIGdldCAxMiFcblxuTm93aGVyZSBcdTIwYWMgNS4AFgDKqw6QITNBgcjRilthlDVQxoNluCXyJk/HLLDD84szDkLADerPMtAZ/AikOBBZSEAp5wBU0J6/eYfSiawF3y2UkA==';

describe('a packed recording', () => {
  it('of version 2 is readable for ever', () => {
    const golden = Buffer.from(GOLDEN, 'base64');
    expect(golden.subarray(0, 6).toString('latin1')).toBe('PSSR\u0002\u0001');
    const read = readRecording(golden, GOLDEN_ANSWER);
    expectSame(read, GOLDEN_FRAMES);
    expect([...(read?.rows() ?? [])].map(({ afterMicros }) => afterMicros / 1000)).toEqual([
      20, 21, 20, 21, 20, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 3000, 0, 0,
    ]);
  });

  it('is what was recorded, to the byte, whatever was', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), fc.oneof(bytes, fc.constant(NO_ANSWER)), (frames, answer) => {
        expectSame(throughRedis(frames, answer), frames);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps what a frame lacks for whom', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), (usageAsked, synthesised) => {
        const recorded = encodeRecording(framesOf(Array.from({ length: 9 }, () => 'data: {"a":"b"}\n\n')), {
          usageAsked,
          synthesised,
        });
        const packed = packRecording(recorded, NO_ANSWER);
        expect(packed.length).toBeLessThan(recorded.length);
        expect(readRecording(packed, NO_ANSWER)).toMatchObject({ usageAsked, synthesised });
      }),
    );
  });

  it('trap 14: has the times of its frames by the millisecond, and never a second more or less', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400_000), { maxLength: 200 }), (delays) => {
        const frames = delays.map((afterMicros, at) => ({
          raw: Buffer.from(`data: {"n":${at}}\n\n`),
          afterMicros,
          cut: NO_CUT,
        }));
        let due = 0;
        let read = 0;
        for (const [at, { afterMicros }] of [...throughRedis(frames).rows()].entries()) {
          due += delays[at] as number;
          read += afterMicros;
          // Half a millisecond, however many frames there were before.
          expect(Math.abs(read - due)).toBeLessThanOrEqual(500);
        }
      }),
    );
  });

  it.each<[string, (string | Buffer)[]]>([
    ['nothing', []],
    ['nothing but empty frames', ['', '', '']],
    ['one frame of no JSON', ['only this']],
    ['ten thousand frames', Array.from({ length: 10_000 }, (_, at) => `data: {"n":${at},"text":" word${at % 7}"}\n\n`)],
    ['a huge frame', [`data: {"b64_json":"${'A1+/'.repeat(500_000)}"}\n\n`]],
    ['CRLF and comments', ['data: {"a":"1"}\r\n\r\n', ': ping\r\n\r\n', 'data: {"a":"2"}\r\n\r\n', ': ping\r\n\r\n']],
    ['more kinds of frames than are told apart', Array.from({ length: 99 }, (_, at) => `data: {"k${at}":1}\n\n`)],
    ['more values than are told apart', [`[${'1,'.repeat(99)}1]`, `[${'1,'.repeat(99)}2]`]],
    [
      'a value that begins to vary late',
      [...Array.from({ length: 9 }, () => '{"a":"same","b":1}'), '{"a":"no","b":1}'],
    ],
    ['the same frame among others', ['x', '"a"', 'x', '"b"', 'x']],
    ['a quote that never ends', ['data: {"a":"', 'data: {"a":"\\', 'data: {"a":"\\"']],
    ['a frame that ends behind a text', ['{"a"', ':1}', '{"a"', ':2}']],
  ])('holds %s', (_what, texts) => {
    const frames = framesOf(texts, 1234);
    expectSame(throughRedis(frames), frames);
  });

  it('takes little beside the answer that it is of', () => {
    const words = Array.from({ length: 500 }, (_, at) => ` w${(at * 7919) % 1000}`);
    const answer = Buffer.from(JSON.stringify({ id: 'chatcmpl-1', content: words.join('') }));
    const frames = framesOf(words.map((text) => `data: ${JSON.stringify({ id: 'chatcmpl-1', delta: { text } })}\n\n`));
    const recorded = encodeRecording(frames, FACTS);
    const packed = packRecording(recorded, answer);
    expectSame(readRecording(packed, answer), frames);
    // Compressed alone it says all the words again.
    expect(packed.length).toBeLessThan(150);
    expect(zstdCompressSync(recorded).length).toBeGreaterThan(1000);
  });

  it('says little of cuts that stand in front of what varies', () => {
    const frames = Array.from({ length: 300 }, (_, at) => {
      const text = `data: {"n":"${'x'.repeat(at % 5)}","usage":null,"padding":"${'y'.repeat((at * 7) % 11)}"}\n\n`;
      return { raw: Buffer.from(text), afterMicros: 0, cut: { from: text.indexOf(',"usage"'), length: 13 } };
    });
    const packed = packRecording(encodeRecording(frames, FACTS), NO_ANSWER);
    expectSame(readRecording(packed, NO_ANSWER), frames);
    expect(packed.length).toBeLessThan(250);
  });

  it('takes no longer for a text without a space than for any other', () => {
    const looked: number[] = [];
    const text = new Proxy(Buffer.alloc(10_000, 'x'), {
      get: (target, name) => {
        looked.push(Number(name));
        return Reflect.get(target, name) as unknown;
      },
    });
    for (const rule of CUT_RULES) rule(text, 0, 10_000);
    expect(looked.length).toBeLessThan(500);
  });

  it('is read as version 1 where one lies there', () => {
    const frames = framesOf(['data: {"a":1}\n\n', 'data: [DONE]\n\n'], 1500);
    expectSame(readRecording(encodeRecording(frames, FACTS), NO_ANSWER), frames);
  });
});

describe('trap 10: what is no recording of the answer beside it', () => {
  const words = Array.from({ length: 60 }, (_, at) => ` word${at}`);
  const answer = Buffer.from(JSON.stringify({ text: words.join('') }));
  const frames = framesOf(words.map((text) => `data: ${JSON.stringify({ text })}\n\n`));
  const packed = packRecording(encodeRecording(frames, FACTS), answer);

  it('is absent when it is a part of one', () => {
    for (let length = 0; length < packed.length; length += 1) {
      expect(readRecording(packed.subarray(0, length), answer)).toBeNull();
    }
  });

  it('is absent beside another answer', () => {
    expect(readRecording(packed, answer)).not.toBeNull();
    expect(readRecording(packed, NO_ANSWER)).toBeNull();
    expect(readRecording(packed, Buffer.from(answer.toString().replace('word30', 'word3x')))).toBeNull();
  });

  it('is absent when it is of a newer version, and whatever else lies there never throws', () => {
    const newer = Buffer.from(packed);
    newer[4] = 3;
    expect(readRecording(newer, answer)).toBeNull();
    const columns = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(columns, damaged()), (inside) => {
        const header = Buffer.from(packed.subarray(0, 10));
        header.writeUInt32LE(inside.length, 6);
        const read = readRecording(Buffer.concat([header, zstdCompressSync(inside)]), NO_ANSWER);
        if (read !== null) expect(read.body.length).toBeLessThanOrEqual(64 * 1024 * 1024);
      }),
      { numRuns: 2000 },
    );
  });

  /** Columns of a sound recording, some bytes of which are others. */
  function damaged(): fc.Arbitrary<Buffer> {
    const sound = packRecording(encodeRecording(frames, FACTS), NO_ANSWER);
    const columns = zstdDecompressSync(sound.subarray(10), { dictionary: Buffer.concat([LIKENESS, NO_ANSWER]) });
    const changes = fc.array(fc.tuple(fc.nat(columns.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    return changes.map((some) => {
      const copy = Buffer.from(columns);
      for (const [at, byte] of some) copy[at] = byte;
      return copy;
    });
  }
});
