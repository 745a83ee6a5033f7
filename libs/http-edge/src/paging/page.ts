/** A cursor that did not come from the list that it is presented to. */
export class InvalidCursorError extends Error {
  readonly code = 'validation_failed';
  readonly httpStatus = 400;
  readonly errors = [
    { path: 'cursor', message: 'is not a cursor of this list (same order, same filters); leave it out to begin anew' },
  ];

  constructor() {
    super('The cursor is not one of this list.');
    this.name = 'InvalidCursorError';
  }
}

/** What of a list is wanted. A `PageQuery` is one. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null when this is the last one. */
  readonly nextCursor: string | null;
}

/**
 * The page that was asked for, of rows that were read with a limit of one more: the one too many says that there is another.
 *
 * @param cursorOf where the page behind this row begins
 */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string,
  itemOf: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(itemOf),
    nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null,
  };
}

/** Of a list in one order: opaque to callers, who hand it back and do not build it. */
export function cursorBehind(place: string): string {
  return Buffer.from(`1:${place}`).toString('base64url');
}

/**
 * The place that a cursor names.
 *
 * @param isPlace whether this could be a place in the list: anybody can make a cursor
 * @throws InvalidCursorError
 */
export function placeIn(cursor: string, isPlace: (place: string) => boolean): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const place = text.slice(2);
  if (!text.startsWith('1:') || !isPlace(place)) throw new InvalidCursorError();
  return place;
}
