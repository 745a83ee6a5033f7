/**
 * CSV as RFC 4180 has it, from a stream of any length.
 *
 * csv-parse reads the records; what it is given are whole and well-formed ones, which are found here. A record ends where a
 * line ends and the number of its quotes is even. One broken quote costs the line that it is on, and no other:
 * 1. A line with an odd number of quotes begins a record of several lines only where the last of them opens a field.
 *    Anywhere else (`24" monitor`) no line that follows could make a record of it.
 * 2. Where what was opened is closed in a way that no record has, or not within the longest record that may be, the line
 *    on which it was opened is refused, and those behind it are read anew. Each has an even number of quotes but the
 *    last, so that none is read a third time.
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
const UNCLOSED_QUOTE = 'a quote is opened and not closed';
const NOTHING = Buffer.alloc(0);

/** Told from the text, since the parser takes a hundred times as long to refuse a record as to read one. */
const FORMS = { ',': formsOf(','), ';': formsOf(';') };

interface Forms {
  /** A whole record. */
  readonly whole: RegExp;
  /** The beginning of one, up to somewhere inside a quoted field. */
  readonly opened: RegExp;
}

function formsOf(delimiter: string): Forms {
  const field = `(?:"[^"]*(?:""[^"]*)*"|[^"${delimiter}]*)`;
  return {
    whole: new RegExp(`^${field}(?:${delimiter}${field})*$`),
    opened: new RegExp(`^(?:${field}${delimiter})*"[^"]*(?:""[^"]*)*$`),
  };
}

/** Lines that may be a record, or why they are none. */
interface Piece {
  readonly line: number;
  readonly lastLine: number;
  readonly bytes: Buffer;
  readonly reason: string | null;
}

/** A record that can be given to the parser, or why not. */
type Judged = Omit<Piece, 'reason'> &
  ({ readonly text: string; readonly reason: null } | { readonly text: null; readonly reason: string });

export class CsvRows implements RowReader {
  readonly #cutter = new LineCutter(LONGEST_ROW);
  readonly #checkColumns: (names: readonly string[]) => readonly string[];
  /** Lines of a record whose quote has not been closed yet. */
  #open: (Line & { readonly bytes: Buffer })[] = [];
  #openBytes = 0;
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
  push(chunk: Buffer): Iterable<ImportRow> {
    return this.#rowsOf(this.#pieces(this.#cutter.push(chunk)));
  }

  /** @throws CsvHeaderError */
  *end(): Iterable<ImportRow> {
    const pieces = this.#pieces(this.#cutter.end());
    while (this.#open.length > 0) this.#giveUp(pieces);
    yield* this.#rowsOf(pieces);
    if (this.#columns === null) throw new CsvHeaderError(['there is none']);
  }

  #pieces(lines: Iterable<Line>): Piece[] {
    const pieces: Piece[] = [];
    for (const { number, bytes } of lines) {
      if (this.#columns === null) {
        this.#readHeader(number === 1 && bytes !== null ? withoutMark(bytes) : bytes);
        continue;
      }
      if (bytes === null) {
        // What was open before it is not closed by what nobody has read.
        while (this.#open.length > 0) this.#giveUp(pieces);
        pieces.push(refused(number, NOTHING, TOO_LONG));
        continue;
      }
      this.#take({ number, bytes }, pieces);
      while (this.#openBytes > LONGEST_ROW) this.#giveUp(pieces);
    }
    return pieces;
  }

  /** Adds to `pieces` what this line completes: itself, mostly. */
  #take(line: Line & { readonly bytes: Buffer }, pieces: Piece[]): void {
    const { number, bytes } = line;
    const odd = quotesIn(bytes) % 2 === 1;
    const goesOn = this.#open.length > 0;
    if (!goesOn && !odd) {
      pieces.push({ line: number, lastLine: number, bytes, reason: null });
      return;
    }
    if (!goesOn && !this.#forms.opened.test(bytes.toString('latin1'))) {
      pieces.push(refused(number, bytes, MISPLACED_QUOTE));
      return;
    }
    this.#open.push(line);
    this.#openBytes += bytes.length + 1;
    if (goesOn && odd) this.#close(pieces);
  }

  /** The last line of what is open has closed its quote. */
  #close(pieces: Piece[]): void {
    const [first, ...others] = this.#open;
    if (first === undefined) return;
    const bytes = Buffer.concat([first.bytes, ...others.flatMap((line) => [NEWLINE, line.bytes])]);
    if (!this.#forms.whole.test(withoutReturn(bytes.toString('latin1')))) {
      this.#giveUp(pieces);
      return;
    }
    this.#forget();
    pieces.push({ line: first.number, lastLine: others.at(-1)?.number ?? first.number, bytes, reason: null });
  }

  /** Refuses the line on which the open quote stands, and reads what was behind it anew. */
  #giveUp(pieces: Piece[]): void {
    const [first, ...others] = this.#open;
    this.#forget();
    if (first === undefined) return;
    pieces.push(refused(first.number, first.bytes, UNCLOSED_QUOTE));
    for (const line of others) this.#take(line, pieces);
  }

  #forget(): void {
    this.#open = [];
    this.#openBytes = 0;
  }

  get #forms(): Forms {
    return FORMS[this.#delimiter];
  }

  *#rowsOf(pieces: readonly Piece[]): Iterable<ImportRow> {
    const judged = pieces.flatMap((piece) => this.#judged(piece));
    const texts = judged.flatMap(({ text }) => text ?? []);
    const together = texts.length === 0 ? [] : this.#records(texts.join('\n'));
    // All at once; one by one should one of them be refused after all, to know which.
    const readable = typeof together !== 'string' && together.length === texts.length;
    let at = 0;
    for (const { line, lastLine, bytes, text, reason } of judged) {
      if (text === null) {
        yield rejected(line, bytes, reason);
        continue;
      }
      const alone = readable ? [together[at] ?? []] : this.#records(text);
      at += 1;
      if (typeof alone === 'string') yield rejected(line, bytes, alone);
      else yield { line, lastLine, bytes, content: this.#contentOf(alone[0] ?? []) };
    }
  }

  /** Nothing for an empty line. */
  #judged({ reason, ...piece }: Piece): Judged[] {
    if (reason !== null) return [{ ...piece, text: null, reason }];
    const text = textOf(piece.bytes);
    if (text === null) return [{ ...piece, text: null, reason: NOT_UTF8 }];
    if (text.trim() === '') return [];
    const record = withoutReturn(text);
    if (!this.#forms.whole.test(record)) return [{ ...piece, text: null, reason: MISPLACED_QUOTE }];
    return [{ ...piece, text: record, reason: null }];
  }

  /** The first line with anything on it names the columns. @throws CsvHeaderError */
  #readHeader(bytes: Buffer | null): void {
    const text = bytes === null ? null : textOf(bytes);
    if (text === null) throw new CsvHeaderError([bytes === null ? TOO_LONG : NOT_UTF8]);
    if (text.trim() !== '') this.#columns = this.#header(withoutReturn(text));
  }

  #header(text: string): readonly string[] {
    this.#delimiter = !text.includes(',') && text.includes(';') ? ';' : ',';
    if (text.includes('\t')) throw new CsvHeaderError(['columns are separated by , or ; and not by tabs']);
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

function refused(line: number, bytes: Buffer, reason: string): Piece {
  return { line, lastLine: line, bytes, reason };
}

/** By hand: a regular expression would try each of the returns that somebody may send by the thousand as the first one. */
function withoutReturn(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\r') end -= 1;
  return text.slice(0, end);
}

function quotesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) count += 1;
  return count;
}
