/** One record of an import as it was read: its fields, or why there are none. */
export interface ImportRow {
  /** Where it begins, from 1. */
  readonly line: number;
  /** A record of CSV may have several. */
  readonly lastLine: number;
  /** As it was sent, for the digest that tells one file from another. */
  readonly bytes: Buffer;
  readonly content:
    | { readonly fields: Readonly<Record<string, unknown>>; readonly reason: null }
    | { readonly fields: null; readonly reason: string };
}

/** Reads what is sent, chunk by chunk. */
export interface RowReader {
  /** What says how rows are to be read, once there is a row: its form, its columns. */
  readonly preface: string;
  push(chunk: Buffer): Iterable<ImportRow>;
  end(): Iterable<ImportRow>;
}

/** Longer than any record may be. */
export const LONGEST_ROW = 64 * 1024;
export const TOO_LONG = `is longer than ${LONGEST_ROW / 1024} KiB`;
export const NOT_UTF8 = 'is not UTF-8';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null for bytes that are not UTF-8: they are refused, never replaced. */
export function textOf(bytes: Buffer): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

export function rejected(line: number, bytes: Buffer, reason: string): ImportRow {
  return { line, lastLine: line, bytes, content: { fields: null, reason } };
}

/** Without the mark that some programs put in front of UTF-8. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
