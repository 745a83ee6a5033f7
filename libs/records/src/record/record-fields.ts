/**
 * What a record may hold. Known fields have a shape; any other field is kept as it was sent, because every sales team has
 * some of its own. What could not be given back as it came (text that PostgreSQL cannot hold, integers that a double cannot) is
 * refused, never mended.
 */
import type { KnownField, RecordKind } from './record-kind.js';

export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** The fields of a record, checked. */
export interface RecordFields {
  /** The one that was asked for; null: one is made. */
  readonly id: string | null;
  readonly known: Readonly<Record<string, string | null>>;
  readonly own: Readonly<Record<string, unknown>>;
}

export type CheckedFields =
  | { readonly fields: RecordFields; readonly faults: null }
  | { readonly fields: null; readonly faults: readonly Fault[] };

/** What the platform says of a record, and nobody else. */
const RESERVED: ReadonlySet<string> = new Set(['id', 'version', 'created_at', 'updated_at', 'tenant']);
const OWN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOST_FIELDS = 100;
const MOST_OWN_BYTES = 32 * 1024;
const DEEPEST = 16;
const MOST_FAULTS = 20;
const UNSTORABLE = `must be JSON without NUL, lone surrogates or integers beyond 2^53 (send those as text), at most ${DEEPEST} deep`;

/** In lower case, as PostgreSQL and the keyspace write it; null for what is none. */
export function uuidOf(text: string): string | null {
  const folded = text.toLowerCase();
  return UUID.test(folded) ? folded : null;
}

/** The name that a field of the caller's own may have: as those of columns and variables are. */
export function isFieldName(name: string): boolean {
  return OWN_NAME.test(name);
}

export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/** A whole record. A field that is null is one that is not there. */
export function checkFields(kind: RecordKind, given: Readonly<Record<string, unknown>>): CheckedFields {
  const faults: Fault[] = [];
  const fault = (path: string, message: string): void => {
    faults.push({ path, message });
  };
  const names = Object.keys(given);
  if (names.length > MOST_FIELDS) fault('', `has ${names.length} fields, and ${MOST_FIELDS} is the most`);
  const id = given['id'] == null ? null : checkedUuid(given['id']);
  if (id === undefined) fault('id', 'must be a UUID');
  const known: Record<string, string | null> = {};
  for (const [name, field] of Object.entries(kind.known)) {
    const value = given[name];
    const checked = value == null ? (field.default ?? null) : checkedKnown(field, value);
    if (typeof checked === 'object' && checked !== null) fault(name, checked.message);
    else if (checked === null && field.required) fault(name, 'must be there');
    else known[name] = checked;
  }
  const own: [string, unknown][] = [];
  for (const name of names.slice(0, MOST_FIELDS)) {
    if (name === 'id' || Object.hasOwn(kind.known, name)) continue;
    const value = given[name];
    if (RESERVED.has(name)) fault(name, 'is set by the platform');
    else if (!isFieldName(name)) fault(shown(name), 'is no name of a field: letters, digits and _ (at most 64)');
    else if (!isStorable(value, DEEPEST)) fault(name, UNSTORABLE);
    else if (value !== null) own.push([name, value]);
  }
  const kept = Object.fromEntries(own);
  if (faults.length === 0 && own.length > 0 && Buffer.byteLength(JSON.stringify(kept)) > MOST_OWN_BYTES) {
    fault('', `takes more than ${MOST_OWN_BYTES / 1024} KiB`);
  }
  return faults.length === 0
    ? { fields: { id: id ?? null, known, own: kept }, faults: null }
    : { fields: null, faults: faults.slice(0, MOST_FAULTS) };
}

/** What a change may not touch, or cannot hold: told before it is merged, since merging goes as deep as what was sent. */
export function changeFaults(given: Readonly<Record<string, unknown>>): readonly Fault[] {
  const faults = Object.entries(given).flatMap(([name, value]) => {
    if (RESERVED.has(name)) return [{ path: name, message: 'is set by the platform' }];
    return isStorable(value, DEEPEST) ? [] : [{ path: shown(name), message: UNSTORABLE }];
  });
  return faults.slice(0, MOST_FAULTS);
}

function checkedUuid(value: unknown): string | undefined {
  return typeof value === 'string' ? (uuidOf(value) ?? undefined) : undefined;
}

function checkedKnown(field: KnownField, value: unknown): string | { readonly message: string } {
  if (field.shape === 'uuid') return checkedUuid(value) ?? { message: 'must be a UUID' };
  const fits =
    typeof value === 'string' && value.trim() !== '' && value.length <= field.longest && isStorable(value, DEEPEST);
  return fits ? value : { message: `must be text of 1 to ${field.longest} characters` };
}

/** Whether PostgreSQL gives it back as it came. */
function isStorable(value: unknown, deepest: number): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value === 'number') return isExact(value);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  if (deepest === 0) return false;
  if (Array.isArray(value)) return value.every((one) => isStorable(one, deepest - 1));
  return Object.entries(value).every(
    ([name, one]) => name !== '__proto__' && isStorable(name, 1) && isStorable(one, deepest - 1),
  );
}

/** Beyond what a double holds, it is no longer the number that was sent. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** Of a name that cannot be one, as much as an answer may repeat. */
function shown(name: string): string {
  return name.slice(0, 64).toWellFormed().replaceAll('\0', '\uFFFD');
}
