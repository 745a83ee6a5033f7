/**
 * CSV as RFC 4180 has it, from a stream of any length.
 *
 * csv-parse reads the records; what it is given are whole ones, which are found here. A record ends where a line ends and the
 * number of its quotes is even. So one broken quote costs its own record: where none closes it within the longest record
 * that may be, the line on which it was opened is refused and reading goes on with the next.
 */
import { parse } from 'csv-parse/sync';
import {
  LONGEST_ROW,
  NOT_UTF8,
  rejected,
  textOf,
  TOO_LONG,
  withoutMark,
  type ImportRow,
  type RowReader,
} from './import-row.js';
import { LineCutter, type Line } from './line-cutter.js';

const QUOTE = 0x22;
const NEWLINE = Buffer.from('\n');

/** The first record names the columns; without them nothing can be read. */
export class CsvHeaderError extends Error {
  readonly code = 'validation_failed';
  readonly httpStatus = 400;
  readonly errors: readonly { readonly path: string; readonly message: string }[];

  constructor(problems: readonly string[]) {
    super(`The first line does not name the columns: ${problems.join('; ')}.`);
    this.name = 'CsvHeaderError';
    this.errors = problems.map((message) => ({ path: 'line 1', message }));
  }
}

const MISPLACED_QUOTE = 'has a quote inside a field that is not quoted, or text behind a closing quote';

/** Told from the text, since the parser takes a hundred times as long to refuse a record as to read one. */
const WELL_FORMED = { ',': wellFormed(','), ';': wellFormed(';') };

function wellFormed(delimiter: string): RegExp {
  const field = `(?:"[^"]*(?:""[^"]*)*"|[^"${delimiter}]*)`;
  return new RegExp(`^${field}(?:${delimiter}${field})*$`);
}

interface Piece {
  readonly line: number;
  readonly bytes: Buffer;
}

/** A record that can be given to the parser, or why not. */
type Judged = Piece &
  ({ readonly text: string; readonly reason: null } | { readonly text: null; readonly reason: string });

export class CsvRows implements RowReader {
  readonly #cutter = new LineCutter(LONGEST_ROW);
  readonly #checkColumns: (names: readonly string[]) => readonly string[];
  /** Lines of a record whose quote has not been closed yet. */
  #open: Line[] = [];
  #openBytes = 0;
  #openQuotes = 0;
  #columns: readonly string[] | null = null;
  #delimiter: ',' | ';' = ',';

  /** @param checkColumns what is wrong with these names */
  constructor(checkColumns: (names: readonly string[]) => readonly string[]) {
    this.#checkColumns = checkColumns;
  }

  get preface(): string {
    return `csv${this.#delimiter}${JSON.stringify(this.#columns)}`;
  }

  /** @throws CsvHeaderError */
  *push(chunk: Buffer): Iterable<ImportRow> {
    yield* this.#read([...this.#cutter.push(chunk)]);
  }

  /** @throws CsvHeaderError */
  *end(): Iterable<ImportRow> {
    yield* this.#read([...this.#cutter.end()]);
    while (this.#open.length > 0) yield* this.#giveUp();
    if (this.#columns === null) throw new CsvHeaderError(['there is none']);
  }

  *#read(lines: readonly Line[]): Iterable<ImportRow> {
    const pieces: Piece[] = [];
    for (const line of lines) {
      if (line.bytes === null) {
        // What was open before it is not closed by what nobody has read.
        while (this.#open.length > 0) yield* this.#flush(pieces, this.#giveUp());
        yield* this.#flush(pieces, [rejected(line.number, Buffer.alloc(0), TOO_LONG)]);
        continue;
      }
      const piece = this.#joined(line.number === 1 ? { ...line, bytes: withoutMark(line.bytes) } : line);
      if (piece !== null) pieces.push(piece);
      while (this.#openBytes > LONGEST_ROW) yield* this.#flush(pieces, this.#giveUp());
    }
    yield* this.#rowsOf(pieces);
  }

  /** Rows in their order: what was gathered first. */
  *#flush(pieces: Piece[], then: Iterable<ImportRow>): Iterable<ImportRow> {
    yield* this.#rowsOf(pieces.splice(0));
    yield* then;
  }

  /** The record that this line completes. */
  #joined(line: Line): Piece | null {
    const bytes = line.bytes ?? Buffer.alloc(0);
    this.#openQuotes += quotesIn(bytes);
    if (this.#openQuotes % 2 === 0 && this.#open.length === 0) {
      this.#openQuotes = 0;
      return { line: line.number, bytes };
    }
    this.#open.push(line);
    this.#openBytes += bytes.length + 1;
    if (this.#openQuotes % 2 === 1) return null;
    const piece = {
      line: this.#open[0]?.number ?? line.number,
      bytes: Buffer.concat(this.#open.flatMap((one, at) => [...(at === 0 ? [] : [NEWLINE]), one.bytes ?? NEWLINE])),
    };
    this.#forget();
    return piece;
  }

  /** Refuses the line on which the open quote stands, and reads what was behind it anew. */
  *#giveUp(): Iterable<ImportRow> {
    const [first, ...others] = this.#open;
    this.#forget();
    if (first === undefined) return;
    yield rejected(first.number, first.bytes ?? Buffer.alloc(0), 'a quote is opened and not closed');
    yield* this.#rowsOf(others.flatMap((line) => this.#joined(line) ?? []));
  }

  #forget(): void {
    this.#open = [];
    this.#openBytes = 0;
    this.#openQuotes = 0;
  }

  *#rowsOf(pieces: readonly Piece[]): Iterable<ImportRow> {
    const judged = pieces.flatMap((piece) => this.#judged(piece));
    const texts = judged.flatMap(({ text }) => text ?? []);
    const together = texts.length === 0 ? [] : this.#records(texts.join('\n'));
    // All at once; one by one should one of them be refused after all, to know which.
    const readable = typeof together !== 'string' && together.length === texts.length;
    let at = 0;
    for (const { line, bytes, text, reason } of judged) {
      if (text === null) {
        yield rejected(line, bytes, reason);
        continue;
      }
      const alone = readable ? [together[at] ?? []] : this.#records(text);
      at += 1;
      if (typeof alone === 'string') yield rejected(line, bytes, alone);
      else yield { line, bytes, content: this.#contentOf(alone[0] ?? []) };
    }
  }

  /** Nothing for an empty line, and for the first, which names the columns. */
  #judged(piece: Piece): Judged[] {
    const text = textOf(piece.bytes);
    if (text === null) {
      if (this.#columns === null) throw new CsvHeaderError([NOT_UTF8]);
      return [{ ...piece, text: null, reason: NOT_UTF8 }];
    }
    if (text.trim() === '') return [];
    const record = text.replace(/\r+$/, '');
    if (this.#columns === null) {
      this.#columns = this.#header(record);
      return [];
    }
    if (!WELL_FORMED[this.#delimiter].test(record)) return [{ ...piece, text: null, reason: MISPLACED_QUOTE }];
    return [{ ...piece, text: record, reason: null }];
  }

  #header(text: string): readonly string[] {
    this.#delimiter = !text.includes(',') && text.includes(';') ? ';' : ',';
    const read = this.#records(text);
    const [names] = typeof read === 'string' ? [] : read;
    if (names === undefined) throw new CsvHeaderError([String(read)]);
    const trimmed = names.map((name) => name.trim());
    const problems = this.#checkColumns(trimmed);
    if (problems.length > 0) throw new CsvHeaderError(problems);
    return trimmed;
  }

  #contentOf(cells: readonly string[]): ImportRow['content'] {
    const columns = this.#columns ?? [];
    if (cells.length !== columns.length) {
      return { fields: null, reason: `has ${cells.length} columns, and the first line has ${columns.length}` };
    }
    const filled = columns.map((name, at) => [name, cells[at] ?? ''] as const).filter(([, cell]) => cell !== '');
    return { fields: Object.fromEntries(filled), reason: null };
  }

  /** Why not, where it cannot be read. */
  #records(text: string): readonly (readonly string[])[] | string {
    try {
      return parse(text, {
        delimiter: this.#delimiter,
        record_delimiter: ['\r\n', '\n'],
        relax_column_count: true,
        columns: false,
      });
    } catch (error) {
      return error instanceof Error && /QUOTE/.test(String(Reflect.get(error, 'code')))
        ? MISPLACED_QUOTE
        : 'is not CSV';
    }
  }
}

function quotesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) count += 1;
  return count;
}
