/**
 * A recorded stream as it lies in Redis: packed against the answer beside it, because the one says little that the other
 * does not. Unpacked it is the recording that it was, to the byte, with its frames' times in whole milliseconds: no timer
 * of a paced replay knows less.
 *
 * Layout, version 2:
 *
 *     0  4  magic "PSSR"
 *     4  1  version
 *     5  1  flags, as in version 1
 *     6  4  bytes of what follows when it is unpacked, little-endian
 *     10 …  a zstd frame, whose dictionary is `LIKENESS` and behind it the answer's bytes, of:
 *
 *     number of frames, bytes of all frames
 *     number of templates but the one of any frame, for each the length of its sample and the sample
 *     for each frame its template
 *     for each frame the milliseconds since the frame before
 *     for each frame its cut (see `cuts.ts`)
 *     for each template that has frames its columns, from left to right (see `columns.ts`)
 *
 * Numbers have as many bytes as they need (see `packed-bytes.ts`). What the answer says takes a few bytes here, however long
 * it is: the zstd frame only refers to it. Without that very answer it cannot be read.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { blankRecording, Recording, type FrameRow, type RecordingFacts } from '../recording.js';
import { readColumn, writeColumn } from './columns.js';
import { CutReader, writeCuts } from './cuts.js';
import { ANY_FRAME, splitFrames, templateOf, type Template } from './frame-templates.js';
import { LIKENESS } from './likeness.js';
import { Mould } from './mould.js';
import { ByteReader, ByteWriter, MalformedBytes } from './packed-bytes.js';

const VERSION = 2;
const VERSION_AT = 4;
const FLAGS_AT = 5;
const UNPACKED_AT = 6;
const HEADER_BYTES = 10;
const USAGE_ASKED = 1;
const SYNTHESISED = 2;
const MAGIC = Buffer.from('PSSR');
/** No stream that is stored is larger; what says that it is was not written by us. */
const MAX_BYTES = 64 * 1024 * 1024;
const LARGEST_WINDOW_LOG = 25;
/** Its tables are made anew for each call: larger ones take longer to make than they save. */
const LARGEST_TABLE_LOG = 15;
const MICROS = 1000;
/** Of one piece of memory for what comes out: zlib's own is 128 kB, and fetching it takes longer than filling it. */
const ROOM = 128;

/**
 * @param recorded as `encodeRecording` makes it
 * @param answer the bytes beside which it will lie
 */
export function packRecording(recorded: Buffer, answer: Buffer): Buffer {
  const recording = Recording.read(recorded);
  if (recording === null) throw new TypeError('only a recording can be packed');
  const columns = columnsOf(recording);
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header[VERSION_AT] = VERSION;
  header[FLAGS_AT] = (recording.usageAsked ? USAGE_ASKED : 0) | (recording.synthesised ? SYNTHESISED : 0);
  header.writeUInt32LE(columns.length, UNPACKED_AT);
  const packed = Buffer.concat([header, compressed(columns, dictionaryOf(answer))]);
  // Of a frame or two there may be nothing to gain.
  return packed.length < recorded.length ? packed : recorded;
}

/** What lies beside this answer, packed or not. Null for anything else; such an entry is a miss. */
export function readRecording(stored: Buffer, answer: Buffer): Recording | null {
  const isPacked = stored.length > HEADER_BYTES && stored.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isPacked || stored[VERSION_AT] !== VERSION) return Recording.read(stored);
  const flags = stored[FLAGS_AT] as number;
  const facts = { usageAsked: (flags & USAGE_ASKED) !== 0, synthesised: (flags & SYNTHESISED) !== 0 };
  const columns = decompressed(stored.subarray(HEADER_BYTES), stored.readUInt32LE(UNPACKED_AT), dictionaryOf(answer));
  if (columns === null) return null;
  try {
    return Recording.read(unpacked(new ByteReader(columns), facts));
  } catch (error) {
    if (error instanceof MalformedBytes) return null;
    throw error;
  }
}

function compressed(columns: Buffer, dictionary: Buffer): Buffer {
  const windowLog = Math.max(10, Math.ceil(Math.log2(columns.length + dictionary.length)));
  const tableLog = Math.min(windowLog, LARGEST_TABLE_LOG);
  return zstdCompressSync(columns, {
    dictionary,
    chunkSize: columns.length + ROOM,
    params: {
      [constants.ZSTD_c_compressionLevel]: 3,
      [constants.ZSTD_c_windowLog]: Math.min(windowLog, LARGEST_WINDOW_LOG),
      [constants.ZSTD_c_hashLog]: tableLog,
      [constants.ZSTD_c_chainLog]: tableLog,
      // Four bytes that turn silent corruption, and the wrong answer, into a miss.
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}

/** Null for what was cut short, or packed against another answer. */
function decompressed(packed: Buffer, bytes: number, dictionary: Buffer): Buffer | null {
  if (bytes > MAX_BYTES) return null;
  try {
    const columns = zstdDecompressSync(packed, {
      dictionary,
      maxOutputLength: bytes + 1,
      chunkSize: bytes + ROOM,
      params: { [constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG },
    });
    return columns.length === bytes ? columns : null;
  } catch {
    return null;
  }
}

function dictionaryOf(answer: Buffer): Buffer {
  return Buffer.concat([LIKENESS, answer]);
}

function columnsOf(recording: Recording): Buffer {
  const { body } = recording;
  const rows = [...recording.rows()];
  let end = 0;
  const { likes, placeOf } = splitFrames(
    body,
    rows.map(({ length }) => (end += length)),
  );
  const writer = new ByteWriter(body.length >> 3);
  writer.number(rows.length);
  writer.number(body.length);
  writer.number(likes.length - 1);
  for (const { template } of likes.slice(1)) {
    writer.number(template.sample.length);
    writer.bytes(template.sample);
  }
  for (const place of placeOf) writer.number(place);
  writeTimes(writer, rows);
  writeCuts(writer, body, rows);
  for (const { count, columns } of likes) {
    if (count > 0) for (const column of columns) writeColumn(writer, body, column);
  }
  return writer.written;
}

/** By the clock of the stream, so that what is rounded does not add up. */
function writeTimes(writer: ByteWriter, rows: readonly FrameRow[]): void {
  let micros = 0;
  let written = 0;
  for (const { afterMicros } of rows) {
    micros += afterMicros;
    const now = Math.round(micros / MICROS);
    writer.number(now - written);
    written = now;
  }
}

function unpacked(reader: ByteReader, facts: RecordingFacts): Buffer {
  const frameCount = reader.count();
  const bodyBytes = reader.number();
  if (bodyBytes > MAX_BYTES) throw new MalformedBytes(`${bodyBytes} bytes are more than are read`);
  const templates = [ANY_FRAME, ...Array.from({ length: reader.count() }, () => readTemplate(reader))];
  const placeOf = reader.numbers(frameCount);
  const times = reader.numbers(frameCount);
  const cuts = new CutReader(reader, frameCount);
  const moulds = readMoulds(reader, templates, placeOf);
  const { recording, body, row } = blankRecording(frameCount, bodyBytes, facts);
  let end = 0;
  for (const [at, place] of placeOf.entries()) {
    const from = end;
    end = (moulds[place] as Mould).pour(body, from);
    row(end - from, (times[at] as number) * MICROS, cuts.next(body, from, end));
  }
  if (end !== bodyBytes || reader.left > 0) throw new MalformedBytes('something is left over');
  return recording;
}

function readTemplate(reader: ByteReader): Template {
  const template = templateOf(reader.bytes(reader.count()));
  if (template === null) throw new MalformedBytes('a sample has too many values');
  return template;
}

/** For each template what makes its frames; null for one that has none. */
function readMoulds(
  reader: ByteReader,
  templates: readonly Template[],
  placeOf: readonly number[],
): readonly (Mould | null)[] {
  const counts = templates.map(() => 0);
  for (const place of placeOf) {
    if (place >= counts.length) throw new MalformedBytes(`there is no template ${place}`);
    counts[place] = (counts[place] as number) + 1;
  }
  return templates.map((template, at) => {
    const count = counts[at] as number;
    if (count === 0) return null;
    return new Mould(
      template,
      template.holes.map(() => readColumn(reader, count)),
    );
  });
}
