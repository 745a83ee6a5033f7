import fc from 'fast-check';
import { encodeRecording, Recording, type RecordedFrame } from '../stream/recording.js';
import { replayAtOnce, replayPaced } from './replay.js';

const recordedFrames: fc.Arbitrary<RecordedFrame[]> = fc.array(
  fc
    .record({ text: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }), afterMicros: fc.nat(3_000_000) })
    .chain(({ text, afterMicros }) => {
      const raw = Buffer.from(text);
      return fc.tuple(fc.nat(raw.length), fc.nat(raw.length)).map(([one, other]) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        return { raw, afterMicros, cut: { from, length: to - from } };
      });
    }),
  { minLength: 1, maxLength: 12 },
);

function recordingOf(frames: readonly RecordedFrame[]): Recording {
  return Recording.read(encodeRecording(frames, { usageAsked: true, synthesised: false })) as Recording;
}

/** What is left of each frame and when it is due, by the recording itself. */
function expected(frames: readonly RecordedFrame[], withUsage: boolean, speed: number) {
  let due = 0;
  return frames.flatMap(({ raw, afterMicros, cut }) => {
    due += afterMicros / 1000 / speed;
    const kept = withUsage ? raw : Buffer.concat([raw.subarray(0, cut.from), raw.subarray(cut.from + cut.length)]);
    return kept.length === 0 ? [] : [{ text: kept.toString('latin1'), due }];
  });
}

interface Piece {
  readonly text: string;
  readonly at: number;
}

describe('a paced replay, on a virtual clock', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  async function played(pieces: AsyncIterable<Buffer>, reading?: (piece: Piece) => Promise<void>): Promise<Piece[]> {
    const began = performance.now();
    const came: Piece[] = [];
    let over = false;
    const reader = (async () => {
      for await (const bytes of pieces) {
        const piece = { text: bytes.toString('latin1'), at: performance.now() - began };
        came.push(piece);
        await reading?.(piece);
      }
    })().finally(() => {
      over = true;
    });
    for (;;) {
      await jest.advanceTimersByTimeAsync(0);
      if (over) break;
      await jest.advanceTimersToNextTimerAsync();
    }
    await reader;
    return came;
  }

  it('trap 14: sends each frame when it came, and the bytes that an instant one sends', async () => {
    const speeds = fc.constantFrom(0.25, 1, 2, 7.5, 1000);
    await fc.assert(
      fc.asyncProperty(recordedFrames, speeds, fc.boolean(), async (frames, speed, withUsage) => {
        const recording = recordingOf(frames);
        const left = new AbortController().signal;
        const came = await played(replayPaced(recording, withUsage, { kind: 'paced', speed }, left));
        const due = expected(frames, withUsage, speed);
        expect(came.map(({ text }) => text)).toEqual(due.map(({ text }) => text));
        // A timer is set for whole milliseconds.
        for (const [at, piece] of came.entries())
          expect(Math.abs(piece.at - (due[at]?.due ?? 0))).toBeLessThanOrEqual(1);
        expect(came.map(({ text }) => text).join('')).toBe(replayAtOnce(recording, withUsage).toString('latin1'));
        expect(jest.getTimerCount()).toBe(0);
      }),
    );
  });

  const every100Ms = recordingOf(
    Array.from({ length: 10 }, (_, at) => ({
      raw: Buffer.from(String(at)),
      afterMicros: 100_000,
      cut: { from: 0, length: 0 },
    })),
  );

  it('takes no frame from the recording before its reader wants it, and catches up with one who was slow', async () => {
    const left = new AbortController().signal;
    const pieces = replayPaced(every100Ms, true, { kind: 'paced', speed: 1 }, left);
    const came = await played(pieces, async ({ text }) => {
      if (text === '2') await new Promise((resolve) => setTimeout(resolve, 350));
    });
    expect(came.map(({ at }) => Math.round(at))).toEqual([100, 200, 300, 650, 650, 650, 700, 800, 900, 1000]);
    expect(came.map(({ text }) => text).join('')).toBe('0123456789');
  });

  it('ends at once for a reader who leaves, and leaves no timer behind', async () => {
    const left = new AbortController();
    const pieces = replayPaced(every100Ms, true, { kind: 'paced', speed: 0.01 }, left.signal);
    const came: string[] = [];
    const reading = (async () => {
      for await (const bytes of pieces) came.push(bytes.toString());
    })();
    await jest.advanceTimersByTimeAsync(15_000);
    expect([came.length, jest.getTimerCount()]).toEqual([1, 1]);
    left.abort();
    await reading;
    expect([came.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  it('never begins for a reader who has left', async () => {
    const left = AbortSignal.abort();
    expect(await played(replayPaced(every100Ms, true, { kind: 'paced', speed: 1 }, left))).toEqual([]);
  });

  it('waits for longer than one timer can', async () => {
    const frame = { raw: Buffer.from('late'), afterMicros: 4_000_000_000, cut: { from: 0, length: 0 } };
    const left = new AbortController().signal;
    const came = await played(replayPaced(recordingOf([frame]), true, { kind: 'paced', speed: 0.001 }, left));
    expect(came.map(({ at }) => Math.round(at))).toEqual([4_000_000_000]);
  });
});
