/** One range of a stored response: RFC 9110 §14. */
export interface ByteRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/**
 * - `whole`: the request is answered as if it had no `Range`: none, several ranges, another unit, or what cannot be read
 * - `unsatisfiable`: it lies behind the end
 */
export type AskedRange = ByteRange | 'whole' | 'unsatisfiable';

export function rangeAsked(header: string | null, length: number): AskedRange {
  const match = header === null ? null : /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/i.exec(header.trim());
  if (match === null) return 'whole';
  const [, from, to, suffix] = match;
  if (suffix !== undefined) {
    const count = Math.min(Number(suffix), length);
    return count === 0 ? 'unsatisfiable' : { first: length - count, last: length - 1 };
  }
  const first = Number(from);
  const last = to === undefined || to === '' ? length - 1 : Math.min(Number(to), length - 1);
  if (to !== undefined && to !== '' && Number(to) < first) return 'whole';
  return first >= length ? 'unsatisfiable' : { first, last };
}
