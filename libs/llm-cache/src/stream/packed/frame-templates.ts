/**
 * Frames of one stream are mostly one another's likeness. A template is what frames have in common, with holes where they
 * differ: the values that are strings or numbers in JSON. The bytes of a frame are its template's literals and its own
 * values by turns, whatever they mean: a frame of no JSON at all has no holes, or is one.
 *
 * A template is told by one frame of it, its sample. How that is taken apart is part of version 2 of the recording, and
 * never changes.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Before a number that is a value: a colon, a comma, a bracket, a space. */
const BEFORE_NUMBERS = new Set([COLON, 0x2c, 0x5b, 0x20]);

/** With the one of frames that are like no other. */
const MOST_TEMPLATES = 32;
/** Those that were met last: a frame that is like none of them is taken for one of a new kind, or of none. */
const MOST_TRIED = 6;
const MOST_HOLES = 64;

type Hole = 'text' | 'number';

export interface Template {
  readonly sample: Buffer;
  readonly holes: readonly Hole[];
  /** Where the sample's own values stand in it: beginning and end for each hole. */
  readonly values: readonly number[];
}

/** One hole and nothing else: such a frame is its own value. */
export const ANY_FRAME: Template = { sample: Buffer.alloc(0), holes: ['text'], values: [0, 0] };

/** What of a sample stays between holes: one part more than there are holes. */
export function partsBetween({ sample, values }: Template, holes: readonly number[]): readonly Buffer[] {
  let from = 0;
  const parts = holes.map((hole) => {
    const part = sample.subarray(from, values[2 * hole]);
    from = values[2 * hole + 1] as number;
    return part;
  });
  return [...parts, sample.subarray(from)];
}

/** Null for a frame that varies in too many places. */
export function templateOf(sample: Buffer): Template | null {
  const to = sample.length;
  const holes: Hole[] = [];
  const values: number[] = [];
  let at = 0;
  while (at < to) {
    const byte = sample[at] as number;
    if (byte === QUOTE) {
      const end = endOfText(sample, at + 1, to);
      // The name of a member is the same in its likes.
      if (end < to && sample[end + 1] !== COLON) {
        holes.push('text');
        values.push(at + 1, end);
      }
      at = end + 1;
    } else if (isOfNumber(byte) && BEFORE_NUMBERS.has(sample[at - 1] as number)) {
      const end = endOfNumber(sample, at, to);
      holes.push('number');
      values.push(at, end);
      at = end;
    } else {
      at += 1;
    }
  }
  return holes.length > MOST_HOLES ? null : { sample, holes, values };
}

/** The frames of one template in a stream. */
class Likes {
  readonly template: Template;
  /** For each hole where the values stand in the stream, beginning and end of each; null while all are the sample's. */
  readonly columns: (number[] | null)[];
  count = 0;
  readonly #stream: Buffer;
  /** Where the sample stands in the stream. */
  readonly #sampleAt: number;
  readonly #all: readonly number[];
  readonly #literals: readonly Buffer[];
  /** Holes whose values vary, and what of the sample stays between them. */
  #varying: readonly number[] = [];
  #steady: readonly Buffer[];

  constructor(stream: Buffer, sampleAt: number, template: Template) {
    this.template = template;
    this.columns = template.holes.map(() => null);
    this.#stream = stream;
    this.#sampleAt = sampleAt;
    this.#all = template.holes.map((_, hole) => hole);
    this.#literals = partsBetween(template, this.#all);
    this.#steady = [template.sample];
  }

  /** Whether this frame is one of them; then it is counted and its values are noted. */
  take(from: number, to: number): boolean {
    const values = this.#valuesOf(from, to, this.#steady, this.#varying) ?? this.#widened(from, to);
    if (values === null) return false;
    for (const [at, hole] of this.#varying.entries()) {
      this.columns[hole]?.push(values[2 * at] as number, values[2 * at + 1] as number);
    }
    this.count += 1;
    return true;
  }

  /** The frame differs from the sample where none did before it. */
  #widened(from: number, to: number): readonly number[] | null {
    const { values: own } = this.template;
    const values = this.#valuesOf(from, to, this.#literals, this.#all);
    if (values === null) return null;
    for (const hole of this.#all) {
      if (this.columns[hole] !== null || this.#isSampled(hole, values)) continue;
      const start = this.#sampleAt + (own[2 * hole] as number);
      const end = this.#sampleAt + (own[2 * hole + 1] as number);
      const column: number[] = [];
      for (let frame = 0; frame < this.count; frame += 1) column.push(start, end);
      this.columns[hole] = column;
    }
    this.#varying = this.#all.filter((hole) => this.columns[hole] !== null);
    this.#steady = partsBetween(this.template, this.#varying);
    return this.#varying.flatMap((hole) => values.slice(2 * hole, 2 * hole + 2));
  }

  #isSampled(hole: number, values: readonly number[]): boolean {
    const { sample, values: own } = this.template;
    const value = this.#stream.subarray(values[2 * hole], values[2 * hole + 1]);
    return value.equals(sample.subarray(own[2 * hole], own[2 * hole + 1]));
  }

  /** Where the values of these holes stand in a frame that has these parts around them; null for any other frame. */
  #valuesOf(from: number, to: number, parts: readonly Buffer[], holes: readonly number[]): number[] | null {
    const stream = this.#stream;
    const values: number[] = [];
    let at = from;
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index] as Buffer;
      if (!continuesWith(stream, at, to, part)) return null;
      at += part.length;
      if (index === holes.length) break;
      const isText = this.template.holes[holes[index] as number] === 'text';
      const end = isText ? endOfText(stream, at, to) : endOfNumber(stream, at, to);
      values.push(at, end);
      at = end;
    }
    return at === to ? values : null;
  }
}

export interface SplitFrames {
  /** By template, the first of any frame. */
  readonly likes: readonly Likes[];
  /** For each frame among which of them it is. */
  readonly placeOf: readonly number[];
}

/** @param ends where each frame ends in `stream` */
export function splitFrames(stream: Buffer, ends: readonly number[]): SplitFrames {
  const others = new Likes(stream, 0, ANY_FRAME);
  const likes = [others];
  const loose: number[] = (others.columns[0] = []);
  const placeOf: number[] = [];
  /** Where those are that were met last, the latest first. */
  const met: number[] = [];
  let from = 0;
  for (const to of ends) {
    const at = met.findIndex((place) => (likes[place] as Likes).take(from, to));
    const place = at >= 0 ? (met[at] as number) : newPlace(stream, from, to, likes);
    if (place === 0) {
      loose.push(from, to);
      others.count += 1;
    } else if (at !== 0) {
      met.splice(at > 0 ? at : MOST_TRIED - 1, 1);
      met.unshift(place);
    }
    placeOf.push(place);
    from = to;
  }
  return { likes, placeOf };
}

/** 0: it is like no other. */
function newPlace(stream: Buffer, from: number, to: number, likes: Likes[]): number {
  const template = likes.length < MOST_TEMPLATES ? templateOf(stream.subarray(from, to)) : null;
  if (template === null) return 0;
  const own = new Likes(stream, from, template);
  return own.take(from, to) ? likes.push(own) - 1 : 0;
}

function continuesWith(stream: Buffer, at: number, to: number, literal: Buffer): boolean {
  const { length } = literal;
  if (at + length > to) return false;
  // A call of `compare` costs more than most literals are long.
  for (let offset = 0; offset < length; offset += 1) if (stream[at + offset] !== literal[offset]) return false;
  return true;
}

/** Where the closing quote is, or the frame ends. */
function endOfText(stream: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && stream[at] !== QUOTE) at += stream[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, to);
}

/** Of digits and a sign. The rest of a fraction is one more literal, or one more number. */
function endOfNumber(stream: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && isOfNumber(stream[at] as number)) at += 1;
  return at;
}

function isOfNumber(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || byte === MINUS;
}
