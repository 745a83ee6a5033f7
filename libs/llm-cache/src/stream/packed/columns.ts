/**
 * What frames of one template have in one of their places, all together: a column. As it is there that frames differ, it is
 * the columns that cost: a value that is always that of the sample is not written, a number as the difference to the one
 * before, the pieces of a text as the text, which stands in the answer too, and what is unforeseen about where it was cut.
 */
import { CUT_RULES, type CutRule } from './text-cuts.js';
import { copyBytes, MalformedBytes, type ByteReader, type ByteWriter } from './packed-bytes.js';

/** Values one after the other, and where each of them ends. */
export interface Column {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
}

const CONSTANT = 0;
const INTEGERS = 1;
/** And the rule by which the text was cut. */
const TEXT = 2;
/** Differences of such numbers are exact. */
const MOST_DIGITS = 15;

/**
 * @param values where the values stand in `stream`, beginning and end of each; null: each is that of the sample
 */
export function writeColumn(writer: ByteWriter, stream: Buffer, values: readonly number[] | null): void {
  if (values === null) {
    writer.number(CONSTANT);
    return;
  }
  const integers = integersOf(stream, values);
  if (integers !== null) writeIntegers(writer, integers);
  else writeText(writer, stream, values);
}

/** Null: the value of the sample, each time. */
export function readColumn(reader: ByteReader, count: number): Column | null {
  const kind = reader.number();
  if (kind === CONSTANT) return null;
  if (kind === INTEGERS) return readIntegers(reader, count);
  const rule = CUT_RULES[kind - TEXT];
  if (rule === undefined) throw new MalformedBytes(`there is no column of kind ${kind}`);
  return readText(reader, count, rule);
}

/** Null unless each of them is written as a number would be. */
function integersOf(stream: Buffer, values: readonly number[]): number[] | null {
  const integers: number[] = [];
  for (let at = 0; at < values.length; at += 2) {
    const start = values[at] as number;
    const end = values[at + 1] as number;
    if (end === start || end - start > MOST_DIGITS) return null;
    const text = stream.toString('latin1', start, end);
    const value = Number(text);
    if (!Number.isSafeInteger(value) || String(value) !== text) return null;
    integers.push(value);
  }
  return integers;
}

function writeIntegers(writer: ByteWriter, integers: readonly number[]): void {
  writer.number(INTEGERS);
  let before = 0;
  for (const value of integers) {
    const more = value - before;
    writer.number(more < 0 ? -2 * more - 1 : 2 * more);
    before = value;
  }
}

function readIntegers(reader: ByteReader, count: number): Column {
  const ends: number[] = [];
  let text = '';
  let value = 0;
  for (let at = 0; at < count; at += 1) {
    const code = reader.number();
    value += code % 2 === 1 ? -(code + 1) / 2 : code / 2;
    text += String(value);
    ends.push(text.length);
  }
  return { bytes: Buffer.from(text, 'latin1'), ends };
}

function writeText(writer: ByteWriter, stream: Buffer, values: readonly number[]): void {
  const lengths: number[] = [];
  let bytes = 0;
  for (let at = 0; at < values.length; at += 2) {
    const length = (values[at + 1] as number) - (values[at] as number);
    lengths.push(length);
    bytes += length;
  }
  const text = Buffer.allocUnsafe(bytes);
  let end = 0;
  for (let at = 0; at < values.length; at += 2) {
    end = copyBytes(stream, values[at] as number, values[at + 1] as number, text, end);
  }
  const [best] = CUT_RULES.map((foretell) => surprisesOf(text, lengths, foretell)).toSorted(
    (one, other) => one.lengths.length - other.lengths.length,
  ) as [Surprises];
  writer.number(TEXT + CUT_RULES.indexOf(best.foretell));
  writer.number(text.length);
  writer.number(best.lengths.length);
  for (const foretold of best.foretoldBefore) writer.number(foretold);
  for (const length of best.lengths) writer.number(length);
  writer.bytes(text);
}

/** The pieces of a text that are not as long as a rule foretells. */
interface Surprises {
  readonly foretell: CutRule;
  /** How many pieces since the last surprise were as foretold. */
  readonly foretoldBefore: readonly number[];
  readonly lengths: readonly number[];
}

function surprisesOf(text: Buffer, pieces: readonly number[], foretell: CutRule): Surprises {
  const foretoldBefore: number[] = [];
  const lengths: number[] = [];
  let from = 0;
  let foretold = 0;
  for (const length of pieces) {
    if (foretell(text, from, text.length) - from === length) {
      foretold += 1;
    } else {
      foretoldBefore.push(foretold);
      lengths.push(length);
      foretold = 0;
    }
    from += length;
  }
  return { foretell, foretoldBefore, lengths };
}

function readText(reader: ByteReader, count: number, foretell: CutRule): Column {
  const length = reader.count();
  const surprises = reader.count();
  if (surprises > count) throw new MalformedBytes('a text has more pieces than there are frames');
  const foretoldBefore = reader.numbers(surprises);
  const lengths = reader.numbers(surprises);
  const bytes = reader.bytes(length);
  const ends: number[] = [];
  let at = 0;
  const foretold = (pieces: number): void => {
    if (pieces > count - ends.length) throw new MalformedBytes('a text has more pieces than there are frames');
    for (let piece = 0; piece < pieces; piece += 1) ends.push((at = foretell(bytes, at, length)));
  };
  for (const [surprise, pieces] of foretoldBefore.entries()) {
    foretold(pieces);
    at += lengths[surprise] as number;
    if (at > length) throw new MalformedBytes('a piece is longer than its text');
    ends.push(at);
  }
  foretold(count - ends.length);
  if (at !== length) throw new MalformedBytes('some of a text is left over');
  return { bytes, ends };
}
