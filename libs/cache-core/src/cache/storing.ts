import { encode } from '../codec/codec.js';
import type { Companion } from '../keyspace/companion.js';
import type { Family } from '../keyspace/family.js';
import type { ScriptArgument } from '../redis/link.js';
import { absent, type Absent } from './answers.js';
import type { Entry, EntryKeys } from './entry.js';
import type { CacheSettings } from './settings.js';
import { encodeSidecar } from './sidecar.js';
import type { VersionPairs } from './versions.js';
import { fingerprintOf, sizeOf, storedTypeOf, writeArguments, type Stored, type StoredType } from './stored.js';

/** What is to be stored of an entry. */
export interface Filling {
  /** `absent`: the origin has no value. */
  readonly stored: Stored | Absent;
  /** Bytes for each part that there is; a declared part that is not named is removed. */
  readonly parts?: ReadonlyMap<Companion, Buffer>;
  readonly ttlSeconds?: number;
  /** How long it is fresh; by default for its whole time to live. */
  readonly freshMs?: number;
  readonly loadCostMs?: number;
  /** At most 256 characters, at hand in every later hit without reading the value. */
  readonly note?: string;
}

export interface Storing {
  /** The lease's text under which it is stored; '' for a put, which needs none. */
  readonly lease: string;
  /** What it was loaded under. */
  readonly versions: VersionPairs;
  /** Milliseconds since the epoch by Redis's clock. */
  readonly now: number;
  readonly settings: CacheSettings;
}

/**
 * The arguments of `store.lua` behind its deadline. Null when the value or a part is over the size limit.
 * @throws RangeError for a time to live or a note that no entry can have
 */
export function storeArguments(
  entry: Entry,
  keys: EntryKeys,
  filling: Filling,
  { lease, versions, now, settings }: Storing,
): readonly ScriptArgument[] | null {
  const { tenant } = entry.ref;
  const times = timesOf(entry, filling, { now, settings });
  const record = { tenant, ...times, loadCostMs: filling.loadCostMs ?? 0, note: filling.note ?? '', versions };
  if (filling.stored === absent) {
    const nothing = (entry.parts ?? []).map(() => '');
    return [lease, times.ttlMs, encodeSidecar({ ...record, fingerprints: [] }), ...nothing, 'absent'];
  }
  const entryBytes = packedEntry(entry, keys, filling.stored, filling.parts, settings);
  if (entryBytes === null) return null;
  const { type, stored, parts } = entryBytes;
  const fingerprints = [
    fingerprintOf(type, stored),
    ...parts.map((part) => (part === null ? '' : fingerprintOf('string', [part]))),
  ];
  const sidecar = encodeSidecar({ ...record, fingerprints });
  return [lease, times.ttlMs, sidecar, ...parts.map((part) => part ?? ''), ...writeArguments(type, stored)];
}

/** When an entry that is stored now becomes stale and when it ends. */
export function timesOf(
  { ref }: Entry,
  { ttlSeconds: asked, freshMs }: Pick<Filling, 'ttlSeconds' | 'freshMs'>,
  { now, settings }: Pick<Storing, 'now' | 'settings'>,
): { storedAtMs: number; freshUntilMs: number; expiresAtMs: number; ttlMs: number } {
  const ttlMs = Math.ceil(ttlSeconds(ref.family, settings, asked) * 1000);
  const storedAtMs = Math.floor(now);
  const freshUntilMs = storedAtMs + Math.min(ttlMs, Math.ceil(freshMs ?? ttlMs));
  return { storedAtMs, freshUntilMs, expiresAtMs: storedAtMs + ttlMs, ttlMs };
}

/** What is written of the value and its parts. Null when one of them is over the size limit. */
function packedEntry(
  entry: Entry,
  keys: EntryKeys,
  value: Stored,
  given: Filling['parts'],
  settings: CacheSettings,
): { type: StoredType; stored: Stored; parts: (Buffer | null)[] } | null {
  const { family } = entry.ref;
  const { maxValueBytes } = settings;
  const parts = (entry.parts ?? []).map((part) => ({ part, bytes: given?.get(part) }));
  if (sizeOf(value) > maxValueBytes) return null;
  if (parts.some(({ bytes }) => bytes !== undefined && bytes.length > maxValueBytes)) return null;
  const type = storedTypeOf(family);
  const pack = (compress: boolean, key: string, bytes: Buffer): Buffer =>
    packed(bytes, { compress, encrypt: family.encrypt, key }, settings);
  return {
    type,
    stored: type === 'string' ? [pack(family.compress, keys.value, value[0] as Buffer)] : value,
    parts: parts.map(({ part, bytes }, at) =>
      bytes === undefined ? null : pack(part.compress, keys.parts[at] as string, bytes),
    ),
  };
}

/**
 * The time to live that a fill gets.
 * @throws RangeError for one that no entry can have
 */
export function ttlSeconds(family: Family, settings: CacheSettings, asked?: number): number {
  return checkedTtl(family, asked ?? settings.ttls[family.id] ?? family.ttlSeconds);
}

/** A century. What overflows in Redis is refused there in the middle of a script, with half of the value written. */
const LONGEST_SECONDS = 3_155_760_000;

/** @throws RangeError for a time that Redis cannot count */
export function checkedTtl(family: Family, seconds: number | null): number {
  if (seconds !== null && seconds >= 0.001 && seconds <= LONGEST_SECONDS) return seconds;
  const range = `a time to live is a number of seconds from 0.001 to ${LONGEST_SECONDS}`;
  throw new RangeError(`${family.id}: ${range}, not ${String(seconds)}`);
}

function packed(
  bytes: Buffer,
  how: { readonly compress: boolean; readonly encrypt: boolean; readonly key: string },
  { compressAbove, keyring }: CacheSettings,
): Buffer {
  return encode(bytes, {
    aad: how.key,
    ...(how.compress && compressAbove !== null ? { compressAbove } : {}),
    ...(how.encrypt && keyring !== undefined ? { keyring } : {}),
  });
}
