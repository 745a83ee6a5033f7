import { InvalidCursorError } from '@promptsales/http-edge';
import { createHash } from 'node:crypto';
import type { RecordKind } from '../record/record-kind.js';
import { uuidOf } from '../record/record-fields.js';

/** What a list shows and in which order: a cursor is of one such list. */
export interface ListOrder {
  readonly sort: string;
  readonly descending: boolean;
  readonly filters: Readonly<Record<string, string>>;
}

/** The last record of a page: its value in the order, and its id. */
export interface Place {
  readonly value: string;
  readonly id: string;
}

/** Opaque to callers. It holds no more than they were shown, and whose records are listed is not in it. */
export function cursorAt({ value, id }: Place, kind: RecordKind, order: ListOrder): string {
  return Buffer.from(JSON.stringify([listOf(kind, order), value, id])).toString('base64url');
}

/** @throws InvalidCursorError */
export function readCursor(cursor: string, kind: RecordKind, order: ListOrder): Place {
  const [list, value, id] = elements(cursor);
  if (list !== listOf(kind, order) || typeof value !== 'string' || typeof id !== 'string' || uuidOf(id) !== id) {
    throw new InvalidCursorError();
  }
  const fits = order.sort.endsWith('_at') ? isMoment(value) : value.isWellFormed() && !value.includes('\0');
  if (!fits) throw new InvalidCursorError();
  return { value, id };
}

function elements(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    throw new InvalidCursorError();
  }
}

function listOf({ plural }: RecordKind, { sort, descending, filters }: ListOrder): string {
  const sorted = Object.entries(filters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([plural, sort, descending, sorted]))
    .digest('base64url')
    .slice(0, 12);
}

function isMoment(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}
