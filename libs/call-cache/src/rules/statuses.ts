/** Final status codes, by what a cache may do with them. */

/** RFC 9110 §15.1: whose responses may be given a lifetime by a guess. 206 is left out: it is kept by its range. */
const HEURISTIC: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

export function mayBeHeuristic(status: number): boolean {
  return HEURISTIC.has(status);
}

/** What RFC 9110 says about caching these is implemented here: what `must-understand` asks for (RFC 9111 §5.2.2.3). */
const ALSO_UNDERSTOOD: ReadonlySet<number> = new Set([
  201, 202, 205, 302, 303, 307, 400, 401, 403, 406, 408, 409, 411, 412, 413, 415, 416, 417, 421, 422, 426, 429, 500,
  502, 503, 504, 505,
]);

export function isUnderstood(status: number): boolean {
  return HEURISTIC.has(status) || ALSO_UNDERSTOOD.has(status);
}

/** RFC 5861 §4: what `stale-if-error` calls an error. */
export function isOriginError(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504;
}

/** RFC 9110 §6.4.1: these never have a body. */
export function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
