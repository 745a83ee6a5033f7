import { encode } from '../codec/codec.js';
import type { Companion } from '../keyspace/companion.js';
import type { Family } from '../keyspace/family.js';
import type { ScriptArgument } from '../redis/link.js';
import type { Entry, EntryKeys } from './entry.js';
import type { CacheSettings } from './settings.js';
import { encodeSidecar } from './sidecar.js';
import type { VersionPairs } from './versions.js';
import { fingerprintOf, sizeOf, storedTypeOf, writeArguments, type Stored } from './stored.js';

/** What is to be stored of an entry. */
export interface Filling {
  readonly stored: Stored;
  /** Bytes for each part that there is; a declared part that is not named is removed. */
  readonly parts?: ReadonlyMap<Companion, Buffer>;
  readonly ttlSeconds?: number;
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
  const { family, tenant } = entry.ref;
  const { maxValueBytes } = settings;
  const parts = (entry.parts ?? []).map((part) => ({ part, bytes: filling.parts?.get(part) }));
  if (sizeOf(filling.stored) > maxValueBytes) return null;
  if (parts.some(({ bytes }) => bytes !== undefined && bytes.length > maxValueBytes)) return null;

  const type = storedTypeOf(family);
  const pack = (compress: boolean, key: string, bytes: Buffer): Buffer =>
    packed(bytes, { compress, encrypt: family.encrypt, key }, settings);
  const stored = type === 'string' ? [pack(family.compress, keys.value, filling.stored[0] as Buffer)] : filling.stored;
  const packedParts = parts.map(({ part, bytes }, at) =>
    bytes === undefined ? null : pack(part.compress, keys.parts[at] as string, bytes),
  );
  const ttlMs = ttlSeconds(family, settings, filling.ttlSeconds) * 1000;
  const storedAtMs = Math.floor(now);
  const sidecar = encodeSidecar({
    tenant,
    storedAtMs,
    freshUntilMs: storedAtMs + ttlMs,
    expiresAtMs: storedAtMs + ttlMs,
    loadCostMs: filling.loadCostMs ?? 0,
    fingerprints: [
      fingerprintOf(type, stored),
      ...packedParts.map((part) => (part === null ? '' : fingerprintOf('string', [part]))),
    ],
    note: filling.note ?? '',
    versions,
  });
  return [lease, ttlMs, sidecar, ...packedParts.map((part) => part ?? ''), ...writeArguments(type, stored)];
}

/**
 * The time to live that a fill gets.
 * @throws RangeError for one that no entry can have
 */
export function ttlSeconds(family: Family, settings: CacheSettings, asked?: number): number {
  const seconds = asked ?? settings.ttls[family.id] ?? family.ttlSeconds;
  if (seconds === null || !Number.isFinite(seconds) || seconds < 0.001) {
    throw new RangeError(`${family.id}: a time to live is a positive number of seconds, not ${String(seconds)}`);
  }
  return seconds;
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
