/**
 * A recorded stream as one run of bytes: its frames exactly as the provider sent them, when each came, and what to
 * leave out for a reader who did not ask for usage. Replaying it is slicing.
 *
 * Layout, version 1, all numbers little-endian:
 *
 *     0   4  magic "PSSR"
 *     4   1  version
 *     5   1  flags: bit 0 usage was asked for upstream; bit 1 the frames were made from a JSON answer
 *     6   2  zero
 *     8   4  number of frames
 *     12  4  bytes of all frames
 *     16  …  the frames, one after the other
 *     …   16 for each frame: its length, microseconds since the frame before, offset and length of the cut in it
 *
 * A cut as long as its frame leaves the frame out. A reader that meets a newer version treats the recording as absent.
 *
 * So it is while it is played and on its way to followers. In Redis it lies packed, as version 2: see `packed/`.
 */

const RECORDING_VERSION = 1;
const MAGIC = Buffer.from('PSSR');
const HEADER_BYTES = 16;
const ROW_BYTES = 16;
const USAGE_ASKED = 1;
const SYNTHESISED = 2;
const MAX_UINT32 = 0xffff_ffff;

/** Bytes of a frame that only readers who asked for usage get. */
export interface Cut {
  readonly from: number;
  readonly length: number;
}

export const NO_CUT: Cut = Object.freeze({ from: 0, length: 0 });

export interface RecordedFrame {
  readonly raw: Buffer;
  readonly afterMicros: number;
  readonly cut: Cut;
}

export interface FrameRow {
  readonly length: number;
  readonly afterMicros: number;
  readonly cut: Cut;
}

export interface RecordingFacts {
  readonly usageAsked: boolean;
  readonly synthesised: boolean;
}

export function encodeRecording(frames: readonly RecordedFrame[], facts: RecordingFacts): Buffer {
  let bodyBytes = 0;
  for (const { raw } of frames) bodyBytes += raw.length;
  const { recording, body, row } = blankRecording(frames.length, bodyBytes, facts);
  let at = 0;
  for (const { raw, afterMicros, cut } of frames) {
    raw.copy(body, at);
    at += raw.length;
    row(raw.length, afterMicros, cut);
  }
  return recording;
}

export interface BlankRecording {
  readonly recording: Buffer;
  /** Where the frames belong. */
  readonly body: Buffer;
  /** The next frame's row; as many of them as there are frames. */
  readonly row: (length: number, afterMicros: number, cut: Cut) => void;
}

/** A recording of so many frames and bytes, which its maker fills in. */
export function blankRecording(frameCount: number, bodyBytes: number, facts: RecordingFacts): BlankRecording {
  const table = HEADER_BYTES + bodyBytes;
  const recording = Buffer.allocUnsafe(table + frameCount * ROW_BYTES);
  MAGIC.copy(recording, 0);
  recording.writeUInt8(RECORDING_VERSION, 4);
  recording.writeUInt8((facts.usageAsked ? USAGE_ASKED : 0) | (facts.synthesised ? SYNTHESISED : 0), 5);
  recording.writeUInt16LE(0, 6);
  recording.writeUInt32LE(frameCount, 8);
  recording.writeUInt32LE(bodyBytes, 12);
  let at = table;
  const row = (length: number, afterMicros: number, cut: Cut): void => {
    recording.writeUInt32LE(length, at);
    recording.writeUInt32LE(Math.min(Math.max(0, Math.round(afterMicros)), MAX_UINT32), at + 4);
    recording.writeUInt32LE(cut.from, at + 8);
    recording.writeUInt32LE(cut.length, at + 12);
    at += ROW_BYTES;
  };
  return { recording, body: recording.subarray(HEADER_BYTES, table), row };
}

/** One frame as it is sent again: at most two slices of the recording. */
export interface ReplayFrame {
  readonly afterMicros: number;
  readonly slices: readonly Buffer[];
}

export class Recording {
  readonly frameCount: number;
  readonly usageAsked: boolean;
  readonly synthesised: boolean;
  /** All of it; seen by those who reckon what it takes in memory. */
  readonly bytes: Buffer;
  readonly #table: number;

  private constructor(bytes: Buffer, frameCount: number, table: number) {
    const flags = bytes.readUInt8(5);
    this.bytes = bytes;
    this.#table = table;
    this.frameCount = frameCount;
    this.usageAsked = (flags & USAGE_ASKED) !== 0;
    this.synthesised = (flags & SYNTHESISED) !== 0;
  }

  /** Null for anything that is not a whole recording of a version that we read; such an entry is a miss. */
  static read(bytes: Buffer): Recording | null {
    if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC) || bytes[4] !== RECORDING_VERSION)
      return null;
    const frameCount = bytes.readUInt32LE(8);
    const bodyBytes = bytes.readUInt32LE(12);
    const table = HEADER_BYTES + bodyBytes;
    if (bytes.length !== table + frameCount * ROW_BYTES) return null;
    let sum = 0;
    for (let row = table; row < bytes.length; row += ROW_BYTES) {
      const length = bytes.readUInt32LE(row);
      if (bytes.readUInt32LE(row + 8) + bytes.readUInt32LE(row + 12) > length) return null;
      sum += length;
    }
    return sum === bodyBytes ? new Recording(bytes, frameCount, table) : null;
  }

  /** All frames exactly as recorded: one slice. */
  get body(): Buffer {
    return this.bytes.subarray(HEADER_BYTES, this.#table);
  }

  /** Everything a reader gets, as the fewest slices: neighbours that are both kept stay one. */
  slices(withUsage: boolean): Buffer[] {
    if (withUsage) return [this.body];
    const slices: Buffer[] = [];
    let from = HEADER_BYTES;
    let at = HEADER_BYTES;
    for (let row = this.#table; row < this.bytes.length; row += ROW_BYTES) {
      const cutBytes = this.bytes.readUInt32LE(row + 12);
      if (cutBytes > 0) {
        const cutFrom = at + this.bytes.readUInt32LE(row + 8);
        if (cutFrom > from) slices.push(this.bytes.subarray(from, cutFrom));
        from = cutFrom + cutBytes;
      }
      at += this.bytes.readUInt32LE(row);
    }
    if (at > from) slices.push(this.bytes.subarray(from, at));
    return slices;
  }

  /** What is known of each frame beside its bytes. */
  *rows(): Generator<FrameRow> {
    for (let row = this.#table; row < this.bytes.length; row += ROW_BYTES) {
      const cut = { from: this.bytes.readUInt32LE(row + 8), length: this.bytes.readUInt32LE(row + 12) };
      yield { length: this.bytes.readUInt32LE(row), afterMicros: this.bytes.readUInt32LE(row + 4), cut };
    }
  }

  /** The frames as they were recorded, slices of this recording. */
  *recorded(): Generator<RecordedFrame> {
    let at = HEADER_BYTES;
    for (const { length, afterMicros, cut } of this.rows()) {
      yield { raw: this.bytes.subarray(at, at + length), afterMicros, cut };
      at += length;
    }
  }

  /** Frame by frame, for a paced replay. A frame left out hands its waiting time on to the next one. */
  *frames(withUsage: boolean): Generator<ReplayFrame> {
    let waited = 0;
    for (const { raw, afterMicros, cut } of this.recorded()) {
      waited += afterMicros;
      const slices = withUsage ? [raw] : withoutCut(raw, cut);
      if (slices.length === 0) continue;
      yield { afterMicros: waited, slices };
      waited = 0;
    }
  }
}

/** What is left of a frame without its cut: none, one or two slices. */
export function withoutCut(raw: Buffer, cut: Cut): Buffer[] {
  if (cut.length === 0) return [raw];
  const slices: Buffer[] = [];
  if (cut.from > 0) slices.push(raw.subarray(0, cut.from));
  if (cut.from + cut.length < raw.length) slices.push(raw.subarray(cut.from + cut.length));
  return slices;
}
