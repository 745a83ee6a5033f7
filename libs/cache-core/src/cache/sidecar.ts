/**
 * What the platform knows of a stored entry and the entry's own key has no room for: `meta:{…}` in the same slot.
 *
 * A JSON array, so that `redis-cli` shows something readable and a reader need not know field names:
 * `[version, tenant, stored at ms, expires at ms, load cost ms, [fingerprint of the value, of each part …], note]`.
 * Times are by Redis's clock. A sidecar that cannot be read, that belongs to another tenant, or whose fingerprint is not
 * that of the value beside it reads as a miss: the value may be somebody else's, or half of an older pair.
 */
export interface Sidecar {
  readonly tenant: string;
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
  readonly loadCostMs: number;
  /** Of the value, then of each part in the order in which the entry declares them; '' for a part that is not there. */
  readonly fingerprints: readonly string[];
  /** Up to 256 characters that the storing library keeps at hand without reading the value. */
  readonly note: string;
}

const VERSION = 1;
export const NOTE_LIMIT = 256;

export function encodeSidecar(sidecar: Sidecar): string {
  const { tenant, storedAtMs, expiresAtMs, loadCostMs, fingerprints, note } = sidecar;
  if (note.length > NOTE_LIMIT) throw new RangeError(`a sidecar's note has at most ${NOTE_LIMIT} characters`);
  return JSON.stringify([VERSION, tenant, storedAtMs, expiresAtMs, Math.round(loadCostMs), fingerprints, note]);
}

/** Null when the bytes are no sidecar of this version. */
export function decodeSidecar(bytes: Buffer): Sidecar | null {
  let fields: unknown;
  try {
    fields = JSON.parse(bytes.toString());
  } catch {
    return null;
  }
  if (!Array.isArray(fields) || fields[0] !== VERSION || fields.length !== 7) return null;
  const [, tenant, storedAtMs, expiresAtMs, loadCostMs, fingerprints, note] = fields as unknown[];
  const readable =
    typeof tenant === 'string' &&
    typeof storedAtMs === 'number' &&
    typeof expiresAtMs === 'number' &&
    typeof loadCostMs === 'number' &&
    Array.isArray(fingerprints) &&
    fingerprints.every((print) => typeof print === 'string') &&
    typeof note === 'string';
  return readable ? { tenant, storedAtMs, expiresAtMs, loadCostMs, fingerprints, note } : null;
}
