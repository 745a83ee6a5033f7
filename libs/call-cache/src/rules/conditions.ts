/** Conditional requests against what is stored (RFC 9110 §13, RFC 9111 §4.3). */
import type { Fields, FieldLine } from './fields.js';
import { httpDate } from './http-date.js';

/** Only the origin can answer these: what is stored may not be what stands there (RFC 9111 §4.3.2). */
export function isForOrigin(request: Fields): boolean {
  return request.has('if-match') || request.has('if-unmodified-since');
}

/** §4.3.2: whether the caller has what is stored. */
export function isNotModified(request: Fields, stored: Fields, nowMs: number): boolean {
  const asked = request.joined('if-none-match');
  if (asked !== null) {
    const tag = opaque(stored.joined('etag'));
    return asked.trim() === '*' || (tag !== null && tagsIn(asked).some((one) => opaque(one) === tag));
  }
  const since = httpDate(request.joined('if-modified-since'), nowMs);
  if (since === null) return false;
  const modified = httpDate(stored.joined('last-modified') ?? stored.joined('date'), nowMs);
  return modified !== null && modified <= since;
}

/** §4.3.1: by what the origin can tell whether it still holds; empty where there is nothing. */
export function validatorsOf(stored: Fields): readonly FieldLine[] {
  const lines: FieldLine[] = [];
  const tag = stored.joined('etag');
  if (tag !== null) lines.push(['If-None-Match', tag]);
  const modified = stored.joined('last-modified');
  if (modified !== null) lines.push(['If-Modified-Since', modified]);
  return lines;
}

export const CONDITIONAL: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since']);

/** RFC 9110 §13.1.5: whether a range of what is stored is a range of what the caller has. Strong comparison. */
export function fitsIfRange(request: Fields, stored: Fields, nowMs: number): boolean {
  const condition = request.joined('if-range')?.trim();
  if (condition === undefined) return true;
  if (condition.startsWith('"')) return stored.joined('etag')?.trim() === condition;
  const modified = httpDate(stored.joined('last-modified'), nowMs);
  const date = httpDate(stored.joined('date'), nowMs);
  // §8.8.2.2: in the second in which it was changed, it may have been changed once more.
  const strong = modified !== null && date !== null && date - modified >= 1000;
  return strong && modified === httpDate(condition, nowMs);
}

/** Weak comparison (RFC 9110 §8.8.3.2): without the mark of weakness. */
function opaque(tag: string | null): string | null {
  if (tag === null) return null;
  const trimmed = tag.trim();
  return trimmed.startsWith('W/') ? trimmed.slice(2) : trimmed;
}

function tagsIn(list: string): readonly string[] {
  return (list.match(/(?:[^",]|"[^"]*")+/g) ?? []).map((tag) => tag.trim());
}
