/** What is cut out of frames for readers who did not ask for usage: mostly the same member, at the same place of each frame. */
import { NO_CUT, type Cut, type FrameRow } from '../recording.js';
import { MalformedBytes, type ByteReader, type ByteWriter } from './packed-bytes.js';

const UNCUT = 0;
const WHOLE = 1;
/** As far from the end of its frame as the last one that was written out, and as long. */
const SAME_FROM_END = 2;
const SAME_FROM_START = 3;
/** Where it begins and its length follow. */
const WRITTEN_OUT = 4;

interface Place {
  readonly fromStart: number;
  readonly fromEnd: number;
  readonly length: number;
}

const NOWHERE: Place = { fromStart: 0, fromEnd: 0, length: 0 };

export function writeCuts(writer: ByteWriter, rows: readonly FrameRow[]): void {
  let last = NOWHERE;
  for (const { length, cut } of rows) {
    const fromEnd = length - cut.from;
    if (cut.length === 0) writer.number(UNCUT);
    else if (cut.length === length) writer.number(WHOLE);
    else if (cut.length === last.length && fromEnd === last.fromEnd) writer.number(SAME_FROM_END);
    else if (cut.length === last.length && cut.from === last.fromStart) writer.number(SAME_FROM_START);
    else {
      writer.number(WRITTEN_OUT);
      writer.number(cut.from);
      writer.number(cut.length);
      last = { fromStart: cut.from, fromEnd, length: cut.length };
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
  #last = NOWHERE;

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

  next(frameLength: number): Cut {
    const code = this.#codes[this.#nextCode++];
    if (code === UNCUT) return NO_CUT;
    if (code === WHOLE) return { from: 0, length: frameLength };
    if (code === WRITTEN_OUT) {
      const from = this.#places[this.#nextPlace++] as number;
      const length = this.#places[this.#nextPlace++] as number;
      this.#last = { fromStart: from, fromEnd: frameLength - from, length };
      return checked({ from, length }, frameLength);
    }
    const { fromStart, fromEnd, length } = this.#last;
    return checked({ from: code === SAME_FROM_END ? frameLength - fromEnd : fromStart, length }, frameLength);
  }
}

function checked(cut: Cut, frameLength: number): Cut {
  if (cut.from >= 0 && cut.from + cut.length <= frameLength) return cut;
  throw new MalformedBytes('a cut is longer than its frame');
}
