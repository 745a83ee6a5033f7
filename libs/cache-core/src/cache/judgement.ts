import { decode } from '../codec/codec.js';
import type { Keyring } from '../codec/keyring.js';
import { isVersioned } from '../keyspace/version-key.js';
import { partIndex, type Reading } from './entry.js';
import type { Unusable } from './observer.js';
import { recordsAbsence, type Sidecar } from './sidecar.js';
import { fingerprintOf, sizeOf, withBytesOfItsOwn, type Stored, type StoredType } from './stored.js';
import { familySubject, type CurrentVersions, type VersionPairs } from './versions.js';

export interface Hit<T> {
  readonly value: T;
  /** Milliseconds since the epoch by Redis's clock; null where another system wrote the value and no sidecar says. */
  readonly storedAtMs: number | null;
  /** Past it the entry is stale: it may serve while, or because, it cannot be loaded anew. */
  readonly freshUntilMs: number | null;
  readonly expiresAtMs: number | null;
  /** What it took to load it. */
  readonly loadCostMs: number;
  /** Redis's clock at the time of reading, to the millisecond: with the two above it gives age and remaining time. */
  readonly readAtMs: number;
  readonly note: string;
  /** The versions that it was loaded under; empty where another system wrote the value. */
  readonly versions: VersionPairs;
}

/** `lease`: the token of whoever loads it now. */
export type Judgement<T> =
  /** `madeFromBytes`: what the value was decoded from, when it had been unpacked. */
  | { readonly kind: 'hit'; readonly lease: string | null; readonly hit: Hit<T>; readonly madeFromBytes: number }
  /** `unusable`: something lies there that is no hit. */
  | { readonly kind: 'miss'; readonly lease: string | null; readonly unusable: Unusable | null };

/** What was read of an entry. */
export interface Evidence {
  readonly type: StoredType;
  readonly key: string;
  readonly stored: Stored | 'unreadable' | null;
  /** Of the part that is read beside the value; null where none is. */
  readonly partKey: string | null;
  readonly part: Buffer | null;
  readonly sidecar: Sidecar | null;
  /** Something lies at the sidecar's key, be it none that can be read. */
  readonly sidecarThere: boolean;
  readonly lease: string | null;
  readonly versions: CurrentVersions;
  readonly now: number;
}

export interface Decoding {
  readonly maxValueBytes: number;
  readonly keyring?: Keyring;
  /** The value will be kept: it gets bytes of its own instead of slices of what the socket received. */
  readonly forKeeping: boolean;
}

/** Whether what lies there may be served. Never throws for anything that lies in Redis. */
export function judge<T>(reading: Reading<T>, evidence: Evidence, how: Decoding): Judgement<T> {
  const { type, key, stored, partKey, part, sidecar, lease, now } = evidence;
  if (stored === 'unreadable') return { kind: 'miss', lease, unusable: 'unreadable' };
  const nothing = stored === null || stored.length === 0;
  if (nothing && sidecar !== null && recordsAbsence(sidecar)) return absence(reading, evidence, sidecar);
  if (stored === null || (nothing && sidecar === null)) return { kind: 'miss', lease, unusable: null };
  const unusable = objection(reading, evidence, stored);
  const foreign = unusable !== null && isForeignValue(reading, evidence, unusable);
  if (unusable !== null && !foreign) return { kind: 'miss', lease, unusable };
  const own = foreign ? null : sidecar;
  try {
    const value = type === 'string' ? [unpack(stored[0] as Buffer, how, key)] : withinLimit(stored, how);
    const hasPart = own !== null && partPrint(reading, own) !== '';
    const unpacked = hasPart ? [...value, unpack(part as Buffer, how, partKey as string)] : value;
    const plain = how.forKeeping ? unpacked.map(withBytesOfItsOwn) : unpacked;
    const hit = hitOf(reading.decode(plain, own?.note ?? ''), own, now);
    return { kind: 'hit', lease, hit, madeFromBytes: sizeOf(plain) };
  } catch {
    // Whatever the codec or the reader has against the bytes, they are no value for it; the miss is counted by its reason.
    return { kind: 'miss', lease, unusable: 'unreadable' };
  }
}

function hitOf<T>(value: T, own: Sidecar | null, readAtMs: number): Hit<T> {
  return {
    value,
    storedAtMs: own?.storedAtMs ?? null,
    freshUntilMs: own?.freshUntilMs ?? null,
    expiresAtMs: own?.expiresAtMs ?? null,
    loadCostMs: own?.loadCostMs ?? 0,
    readAtMs,
    note: own?.note ?? '',
    versions: own?.versions ?? [],
  };
}

/** It is remembered that the origin has no value: only a reader who asks for that is told so. */
function absence<T>(reading: Reading<T>, { versions, lease, now }: Evidence, sidecar: Sidecar): Judgement<T> {
  const miss = (unusable: Unusable | null): Judgement<T> => ({ kind: 'miss', lease, unusable });
  if (reading.absence === undefined) return miss(null);
  if (sidecar.tenant !== reading.ref.tenant) return miss('tenant');
  if (!isCurrent(reading, sidecar.versions, versions)) return miss('version');
  return { kind: 'hit', lease, hit: hitOf(reading.absence, sidecar, now), madeFromBytes: 0 };
}

/** Why these bytes are not to be served by what the sidecar says; null when they are. */
function objection(
  reading: Reading<unknown>,
  { type, part, sidecar, versions }: Evidence,
  stored: Stored,
): Exclude<Unusable, 'unreadable'> | null {
  if (sidecar === null) return 'no_sidecar';
  if (sidecar.tenant !== reading.ref.tenant) return 'tenant';
  if (sidecar.fingerprints[0] !== fingerprintOf(type, stored)) return 'mismatch';
  const print = partPrint(reading, sidecar);
  if (print !== '' && (part === null || print !== fingerprintOf('string', [part]))) return 'mismatch';
  return isCurrent(reading, sidecar.versions, versions) ? null : 'version';
}

/** The fingerprint of the part that is read; '' where none is, or the entry has none, whatever lies at its key. */
function partPrint(reading: Reading<unknown>, { fingerprints }: Sidecar): string {
  return reading.part === undefined ? '' : (fingerprints[1 + partIndex(reading)] ?? '');
}

/** An entry is under its family's version at least: one that records none would escape the family's invalidation. */
function isCurrent(
  { ref: { family } }: Reading<unknown>,
  recorded: VersionPairs | null,
  now: CurrentVersions,
): boolean {
  if (recorded === null) return false;
  if (!isVersioned(family.role)) return true;
  return recorded.includes(familySubject(family)) && now.allow(recorded);
}

/**
 * Whether it is somebody else's value in a family where that counts. One of ours that a version has invalidated is not,
 * and beside a sidecar that cannot be read it cannot be told.
 */
function isForeignValue({ ref }: Reading<unknown>, evidence: Evidence, wrong: Unusable): boolean {
  if (!ref.family.otherWriters || wrong === 'version') return false;
  return evidence.sidecar !== null || !evidence.sidecarThere;
}

function withinLimit(stored: Stored, { maxValueBytes }: Decoding): Stored {
  if (sizeOf(stored) > maxValueBytes) throw new RangeError(`more than ${maxValueBytes} B`);
  return stored;
}

function unpack(stored: Buffer, { maxValueBytes: maxBytes, keyring }: Decoding, aad: string): Buffer {
  return decode(stored, keyring === undefined ? { maxBytes, aad } : { maxBytes, aad, keyring });
}
