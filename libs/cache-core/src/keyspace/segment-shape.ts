import { normaliseCompanyName } from './company-name.js';

/**
 * What a variable segment may hold. The shape of a segment follows from its name in the pattern (`{prompt_hash}`,
 * `{yyyy-mm-dd}`, `{uuid}`, …); only closed lists of values are declared beside the pattern.
 */
export interface SegmentShape<T extends string = string> {
  readonly name: string;
  /** What a caller should give, for messages. */
  readonly takes: string;
  accepts(text: string): text is T;
  /** The input's own normal form, where the family folds inputs on purpose. */
  normalise?(text: string): string;
  /** The length of every text the shape accepts, when they all have the same. */
  readonly fixedLength?: number;
  /** Every text the shape accepts, when they can be listed. */
  readonly values?: readonly T[];
}

export type ShapeValue<S> = S extends SegmentShape<infer T> ? T : string;

function matching(name: string, takes: string, fixedLength: number, pattern: RegExp): SegmentShape {
  return {
    name,
    takes,
    fixedLength,
    accepts: (text): text is string => text.length === fixedLength && pattern.test(text),
  };
}

const MONTH = '(?:0[1-9]|1[0-2])';
const DAY = '(?:0[1-9]|[12]\\d|3[01])';
const HOUR = '(?:[01]\\d|2[0-3])';

export const anyText: SegmentShape = {
  name: 'text',
  takes: 'any text',
  accepts: (text): text is string => text.length >= 0,
};
export const sha256Hex = matching('sha256', '64 lower-case hexadecimal digits', 64, /^[0-9a-f]{64}$/);
export const uuid = matching('uuid', 'a UUID in lower case', 36, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
export const day = matching('day', 'a UTC day as yyyy-mm-dd', 10, new RegExp(`^\\d{4}-${MONTH}-${DAY}$`));
export const dayHour = matching(
  'day-hour',
  'a UTC hour as yyyy-mm-dd-HH',
  13,
  new RegExp(`^\\d{4}-${MONTH}-${DAY}-${HOUR}$`),
);
export const dayMinute = matching(
  'day-minute',
  'a UTC minute as yyyy-mm-dd-HH-MM',
  16,
  new RegExp(`^\\d{4}-${MONTH}-${DAY}-${HOUR}-[0-5]\\d$`),
);
export const hour = matching('hour', 'a UTC hour as YYYYMMDDHH', 10, new RegExp(`^\\d{4}${MONTH}${DAY}${HOUR}$`));
export const companyName: SegmentShape = {
  ...anyText,
  name: 'company',
  takes: 'a company name',
  normalise: normaliseCompanyName,
};

export function oneOf<const T extends string>(...values: T[]): SegmentShape<T> {
  const accepted: ReadonlySet<string> = new Set(values);
  return {
    name: values.join(' | '),
    takes: `one of ${values.join(', ')}`,
    accepts: (text): text is T => accepted.has(text),
    values,
  };
}

const SHAPE_BY_NAME: ReadonlyMap<string, SegmentShape> = new Map([
  ['uuid', uuid],
  ['yyyy-mm-dd', day],
  ['date', day],
  ['yyyy-mm-dd-HH', dayHour],
  ['yyyy-mm-dd-HH-MM', dayMinute],
  ['hour', hour],
  ['empresa_normalizada', companyName],
]);

/** The shape that a segment's name promises. */
export function shapeOf(segment: string): SegmentShape {
  if (segment === 'hash' || segment.endsWith('_hash')) return sha256Hex;
  return SHAPE_BY_NAME.get(segment) ?? anyText;
}

/**
 * Does this segment isolate a key by itself? `{hash}` and `{…_hash}` are SHA-256 of a request's identity, tenant included;
 * only a token's hash is of the bare token.
 */
export function isIdentityHash(segment: string): boolean {
  return segment !== 'token_hash' && (segment === 'hash' || segment.endsWith('_hash'));
}
