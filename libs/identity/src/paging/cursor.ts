/** A cursor that did not come from a list of ours. */
export class InvalidCursorError extends Error {
  readonly code = 'validation_failed';
  readonly httpStatus = 400;
  readonly errors = [{ path: 'cursor', message: 'is not a cursor of this list; leave it out to begin anew' }];

  constructor() {
    super('The cursor is not one of this list.');
    this.name = 'InvalidCursorError';
  }
}

/** One page of a list, newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null when this is the last one. */
  readonly nextCursor: string | null;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** Opaque to callers: they hand it back and do not build it. `after` is the sequence number of the last item shown. */
export function cursorAfter(after: string): string {
  return Buffer.from(`1:${after}`).toString('base64url');
}

export function readCursor(cursor: string): string {
  const after = /^1:(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (after === undefined) throw new InvalidCursorError();
  return after;
}

/** `rows` were read with a limit of one more than the page. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  sequenceOf: (row: Row) => string,
  itemOf: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(itemOf),
    nextCursor: rows.length > limit && last !== undefined ? cursorAfter(sequenceOf(last)) : null,
  };
}
