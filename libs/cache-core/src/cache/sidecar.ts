import { MOST_SUBJECTS, type VersionPairs } from './versions.js';

/**
 * What the platform knows of a stored entry and the entry's own key has no room for: `meta:{…}` in the same slot.
 *
 * A JSON array, so that `redis-cli` shows something readable and a reader need not know field names:
 * `[version, tenant, stored at ms, fresh until ms, expires at ms, load cost ms, [fingerprint of the value, of each part …],
 * note, [subject, its version, …]]`.
 * Times are by Redis's clock. A sidecar that cannot be read, that belongs to another tenant, or whose fingerprint is not
 * that of the value beside it reads as a miss: the value may be somebody else's, or half of an older pair.
 *
 * Version 1 had neither freshness nor versions of subjects. It is read so far that an entry of an older process can be
 * told from a foreign value; being under no version, it could escape an invalidation, and so it is a miss.
 */
export interface Sidecar {
  readonly tenant: string;
  readonly storedAtMs: number;
  /** Past it the entry is stale: it may be served while or because it cannot be loaded anew. */
  readonly freshUntilMs: number;
  readonly expiresAtMs: number;
  readonly loadCostMs: number;
  /**
   * Of the value, then of each part in the order in which the entry declares them; '' for a part that is not there. None
   * at all: the origin has no value, and nothing lies beside this sidecar.
   */
  readonly fingerprints: readonly string[];
  /** Up to 256 characters that the storing library keeps at hand without reading the value. */
  readonly note: string;
  /** The versions that the entry was loaded under; null in version 1, which knew none. */
  readonly versions: VersionPairs | null;
}

const VERSION = 2;
const NOTE_LIMIT = 256;

export function encodeSidecar(sidecar: Sidecar & { readonly versions: VersionPairs }): string {
  const { tenant, storedAtMs, freshUntilMs, expiresAtMs, loadCostMs, fingerprints, note, versions } = sidecar;
  if (note.length > NOTE_LIMIT) throw new RangeError(`a sidecar's note has at most ${NOTE_LIMIT} characters`);
  return JSON.stringify([
    VERSION,
    tenant,
    storedAtMs,
    freshUntilMs,
    expiresAtMs,
    Math.round(loadCostMs),
    fingerprints,
    note,
    versions,
  ]);
}

/** Null when the bytes are no sidecar of a version that this process knows. */
export function decodeSidecar(bytes: Buffer): Sidecar | null {
  let fields: unknown;
  try {
    fields = JSON.parse(bytes.toString());
  } catch {
    return null;
  }
  if (!Array.isArray(fields)) return null;
  if (fields[0] === VERSION && fields.length === 9) return sidecarOf(fields as unknown[]);
  if (fields[0] !== 1 || fields.length !== 7) return null;
  const [, tenant, storedAtMs, expiresAtMs, ...rest] = fields as unknown[];
  const read = sidecarOf([VERSION, tenant, storedAtMs, expiresAtMs, expiresAtMs, ...rest, []]);
  return read === null ? null : { ...read, versions: null };
}

export function recordsAbsence({ fingerprints }: Sidecar): boolean {
  return fingerprints.length === 0;
}

function sidecarOf(fields: readonly unknown[]): Sidecar | null {
  const [, tenant, storedAtMs, freshUntilMs, expiresAtMs, loadCostMs, fingerprints, note, versions] = fields;
  const readable =
    typeof tenant === 'string' &&
    typeof storedAtMs === 'number' &&
    typeof freshUntilMs === 'number' &&
    typeof expiresAtMs === 'number' &&
    typeof loadCostMs === 'number' &&
    areTexts(fingerprints) &&
    typeof note === 'string' &&
    areTexts(versions) &&
    versions.length % 2 === 0 &&
    versions.length <= 2 * MOST_SUBJECTS;
  if (!readable) return null;
  return { tenant, storedAtMs, freshUntilMs, expiresAtMs, loadCostMs, fingerprints, note, versions };
}

function areTexts(what: unknown): what is readonly string[] {
  return Array.isArray(what) && what.every((one) => typeof one === 'string');
}

/** When the entry was invalidated, where that is remembered at the sidecar's key (see hold-off); null for anything else. */
export function decodeTombstone(bytes: Buffer): number | null {
  const at = /^\["invalidated",(\d{1,15})\]$/.exec(bytes.toString('latin1'))?.[1];
  return at === undefined ? null : Number(at);
}
