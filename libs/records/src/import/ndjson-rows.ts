import {
  NOT_UTF8,
  rejected,
  textOf,
  TOO_LONG,
  withoutMark,
  LONGEST_ROW,
  type ImportRow,
  type RowReader,
} from './import-row.js';
import { LineCutter, type Line } from './line-cutter.js';

/** A JSON object on each line. Empty lines count as lines and are passed over. */
export class NdjsonRows implements RowReader {
  readonly preface = 'ndjson';
  readonly #cutter = new LineCutter(LONGEST_ROW);

  *push(chunk: Buffer): Iterable<ImportRow> {
    for (const line of this.#cutter.push(chunk)) yield* rowsOf(line);
  }

  *end(): Iterable<ImportRow> {
    for (const line of this.#cutter.end()) yield* rowsOf(line);
  }
}

function* rowsOf({ number, bytes }: Line): Iterable<ImportRow> {
  if (bytes === null) {
    yield rejected(number, Buffer.alloc(0), TOO_LONG);
    return;
  }
  const text = textOf(number === 1 ? withoutMark(bytes) : bytes);
  if (text === null) yield rejected(number, bytes, NOT_UTF8);
  else if (text.trim() !== '') yield { line: number, lastLine: number, bytes, content: contentOf(text) };
}

function contentOf(text: string): ImportRow['content'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fields: null, reason: 'is not JSON' };
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { fields: value as Record<string, unknown>, reason: null }
    : { fields: null, reason: 'is not a JSON object' };
}
