/** Whether an `If-None-Match` names this tag: by the weak comparison (RFC 9110, 13.1.2), or by a star. */
export function matchesAny(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return [...header.matchAll(/(?:W\/)?("[^"]*")/g)].some(([, opaque]) => opaque === tag);
}
