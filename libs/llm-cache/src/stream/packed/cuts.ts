/** What is cut out of frames for readers who did not ask for usage: mostly the same member, at the same place of each frame. */
import { NO_CUT, type Cut, type FrameRow } from '../recording.js';
import { MalformedBytes, type ByteReader, type ByteWriter } from './packed-bytes.js';

const UNCUT = 0;
const WHOLE = 1;
/** As far from the end of its frame as the last one that was written out, and as long. */
const SAME_FROM_END = 2;
/** The last bytes in the frame that are those of the last one that was written out. */
const SAME_BYTES = 3;
/** Where it begins and its length follow. */
const WRITTEN_OUT = 4;

interface WrittenOut {
  readonly fromEnd: number;
  readonly bytes: Buffer;
}

const NONE: WrittenOut = { fromEnd: 0, bytes: Buffer.alloc(0) };

/** @param stream the frames, one after the other */
export function writeCuts(writer: ByteWriter, stream: Buffer, rows: readonly FrameRow[]): void {
  let last = NONE;
  let from = 0;
  for (const { length, cut } of rows) {
    const frame = { from, to: from + length };
    from += length;
    if (cut.length === 0) writer.number(UNCUT);
    else if (cut.length === length) writer.number(WHOLE);
    else if (cut.length === last.bytes.length && length - cut.from === last.fromEnd) writer.number(SAME_FROM_END);
    else if (cut.length === last.bytes.length && lastPlaceOf(last.bytes, stream, frame) === cut.from) {
      writer.number(SAME_BYTES);
    } else {
      writer.number(WRITTEN_OUT);
      writer.number(cut.from);
      writer.number(cut.length);
      last = writtenOut(cut, stream, frame);
    }
  }
}

/** Says of one frame after the other, in their order, what is cut out of it. */
export class CutReader {
  readonly #codes: readonly number[];
  /** Beginning and length of those that are written out. */
  readonly #places: readonly number[];
  #nextCode = 0;
  #nextPlace = 0;
  #last = NONE;

  constructor(reader: ByteReader, count: number) {
    const codes: number[] = [];
    const places: number[] = [];
    for (let at = 0; at < count; at += 1) {
      const code = reader.number();
      if (code > WRITTEN_OUT) throw new MalformedBytes(`there is no cut ${code}`);
      codes.push(code);
      if (code === WRITTEN_OUT) places.push(reader.number(), reader.number());
    }
    this.#codes = codes;
    this.#places = places;
  }

  /** @throws MalformedBytes for a cut that does not lie in this frame, the next one */
  next(stream: Buffer, from: number, to: number): Cut {
    const code = this.#codes[this.#nextCode++];
    if (code === UNCUT) return NO_CUT;
    const length = to - from;
    if (code === WHOLE) return { from: 0, length };
    const { fromEnd, bytes } = this.#last;
    if (code === SAME_FROM_END) return checked({ from: length - fromEnd, length: bytes.length }, length);
    if (code === SAME_BYTES) {
      return checked({ from: lastPlaceOf(bytes, stream, { from, to }), length: bytes.length }, length);
    }
    const cut = { from: this.#places[this.#nextPlace++] as number, length: this.#places[this.#nextPlace++] as number };
    this.#last = writtenOut(checked(cut, length), stream, { from, to });
    return cut;
  }
}

interface Frame {
  readonly from: number;
  readonly to: number;
}

function writtenOut(cut: Cut, stream: Buffer, { from, to }: Frame): WrittenOut {
  const start = from + cut.from;
  return { fromEnd: to - start, bytes: stream.subarray(start, start + cut.length) };
}

/** Counted from the beginning of the frame; -1: nowhere. */
function lastPlaceOf(bytes: Buffer, stream: Buffer, { from, to }: Frame): number {
  return stream.subarray(from, to).lastIndexOf(bytes);
}

function checked(cut: Cut, frameLength: number): Cut {
  if (cut.from >= 0 && cut.from + cut.length <= frameLength) return cut;
  throw new MalformedBytes('a cut is longer than its frame');
}
