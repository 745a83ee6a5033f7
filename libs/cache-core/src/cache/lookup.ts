import { decode } from '../codec/codec.js';
import type { Keyring } from '../codec/keyring.js';
import { companions, type Companion } from '../keyspace/companion.js';
import type { KeyRef } from '../keyspace/family.js';
import { colocate, physicalKey } from '../keyspace/physical-key.js';
import type { RedisLink } from '../redis/link.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { EntryKeys } from './lease.js';
import type { Unusable } from './observer.js';
import { decodeSidecar, type Sidecar } from './sidecar.js';
import {
  fingerprintOf,
  readCollection,
  sizeOf,
  storedTypeOf,
  withBytesOfItsOwn,
  type Stored,
  type StoredType,
} from './stored.js';

/** What to read of an entry and how to make sense of the bytes. `decode` may throw: that reads as a miss. */
export interface Reading<T> {
  readonly ref: KeyRef;
  /** The entry's parts, in a fixed order: other forms of the same answer, each in a key beside the value's. */
  readonly parts?: readonly Companion[];
  /** Which part to read instead of the value. */
  readonly part?: Companion;
  readonly decode: (stored: Stored, note: string) => T;
}

export interface Hit<T> {
  readonly value: T;
  /** Milliseconds since the epoch by Redis's clock; null where another system wrote the value and no sidecar says. */
  readonly storedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Redis's clock at the time of reading: with the two above it gives age and remaining time. */
  readonly readAtMs: number;
  readonly note: string;
}

export type Found<T> =
  /** `madeFromBytes`: what the value was decoded from, when it had been unpacked. */
  | { readonly kind: 'hit'; readonly hit: Hit<T>; readonly lease: string | null; readonly madeFromBytes: number }
  /** `lease`: the token of whoever loads it now. `unusable`: something lies there that is no hit. */
  | { readonly kind: 'miss'; readonly lease: string | null; readonly unusable: Unusable | null };

/** Redis could not be asked, or may not be trusted for this key just now. */
export type Lookup<T> = Found<T> | { readonly kind: 'away' };

export interface Looking extends DecodingLimits {
  /** The value will be kept: it gets bytes of its own instead of slices of what the socket received. */
  readonly forKeeping: boolean;
}

export interface DecodingLimits {
  readonly maxValueBytes: number;
  readonly keyring?: Keyring;
}

/** What names an entry: where its value lies, and which parts it has. */
export type Entry = Pick<Reading<unknown>, 'ref' | 'parts'>;

export function keysOf(entry: Entry, keyPrefix: string): EntryKeys {
  const value = physicalKey(keyPrefix, entry.ref.key);
  return {
    value,
    sidecar: colocate(value, companions.sidecar.label, keyPrefix),
    lease: colocate(value, companions.lease.label, keyPrefix),
    parts: entry.parts === undefined ? [] : entry.parts.map((part) => colocate(value, part.label, keyPrefix)),
  };
}

/** The key that a reading is about: the value's or one of its parts'. */
export function keyRead(reading: Reading<unknown>, keys: EntryKeys): string {
  return reading.part === undefined ? keys.value : (keys.parts[partIndex(reading)] as string);
}

function partIndex(reading: Reading<unknown>): number {
  const index = reading.part === undefined ? -1 : (reading.parts?.indexOf(reading.part) ?? -1);
  if (index < 0) throw new RangeError(`${reading.ref.family.id}: the part that is read is none of the entry's parts`);
  return index;
}

/**
 * One round trip: the value (or a part), the sidecar and the lease.
 * @throws RedisUnavailableError when Redis cannot be asked; nothing that lies in Redis makes it throw
 */
export async function look<T>(
  reading: Reading<T>,
  keys: EntryKeys,
  link: RedisLink,
  looking: Looking,
): Promise<Found<T>> {
  const { family, tenant } = reading.ref;
  const type = reading.part === undefined ? storedTypeOf(family) : 'string';
  const key = keyRead(reading, keys);
  const { stored, sidecarBytes, leaseBytes } =
    type === 'string' ? await readString(key, keys, link) : await readCollectionBeside(type, key, keys, link);
  const lease = leaseBytes === null ? null : leaseBytes.toString();
  const miss = (unusable: Unusable | null): Found<T> => ({ kind: 'miss', lease, unusable });

  if (stored === 'unreadable') return miss('unreadable');
  const sidecar = sidecarBytes === null ? null : decodeSidecar(sidecarBytes);
  if (stored === null || (stored.length === 0 && sidecar === null)) return miss(null);
  const wrong = disagreement(sidecar, tenant, reading, type, stored);
  if (wrong !== null && !(family.otherWriters && reading.part === undefined)) return miss(wrong);
  try {
    const unpacked = type === 'string' ? [decode(stored[0] as Buffer, decoding(looking, key))] : stored;
    const plain = looking.forKeeping ? unpacked.map(withBytesOfItsOwn) : unpacked;
    const own = wrong === null ? sidecar : null;
    const hit = hitOf(reading.decode(plain, own?.note ?? ''), own, link.now());
    return { kind: 'hit', lease, hit, madeFromBytes: sizeOf(plain) };
  } catch {
    // Whatever the codec or the reader has against the bytes, they are no value for it; the miss is counted by its reason.
    return miss('unreadable');
  }
}

/** Why the sidecar is not that of the bytes beside it; null when it is. */
function disagreement(
  sidecar: Sidecar | null,
  tenant: string,
  reading: Reading<unknown>,
  type: StoredType,
  stored: Stored,
): Unusable | null {
  if (sidecar === null) return 'no_sidecar';
  if (sidecar.tenant !== tenant) return 'tenant';
  const print = sidecar.fingerprints[reading.part === undefined ? 0 : 1 + partIndex(reading)];
  return print === fingerprintOf(type, stored) ? null : 'mismatch';
}

function hitOf<T>(value: T, sidecar: Sidecar | null, readAtMs: number): Hit<T> {
  return {
    value,
    storedAtMs: sidecar?.storedAtMs ?? null,
    expiresAtMs: sidecar?.expiresAtMs ?? null,
    readAtMs,
    note: sidecar?.note ?? '',
  };
}

function decoding(limits: DecodingLimits, key: string): { maxBytes: number; keyring?: Keyring; aad: string } {
  return {
    maxBytes: limits.maxValueBytes,
    aad: key,
    ...(limits.keyring === undefined ? {} : { keyring: limits.keyring }),
  };
}

interface Raw {
  readonly stored: Stored | 'unreadable' | null;
  readonly sidecarBytes: Buffer | null;
  readonly leaseBytes: Buffer | null;
}

async function readString(key: string, keys: EntryKeys, link: RedisLink): Promise<Raw> {
  // A key of another type reads as nil here: somebody else's value is no value of ours.
  const [value, sidecar, lease] = await link.readStrings([key, keys.sidecar, keys.lease]);
  return { stored: value ? [value] : null, sidecarBytes: sidecar ?? null, leaseBytes: lease ?? null };
}

async function readCollectionBeside(
  type: Exclude<StoredType, 'string'>,
  key: string,
  keys: EntryKeys,
  link: RedisLink,
): Promise<Raw> {
  // Sent in the same turn of the event loop, so that they share a round trip.
  const [stored, [sidecar, lease]] = await Promise.all([
    link.read((client) => readCollection(client, type, key)).catch(unreadableUnlessAway),
    link.readStrings([keys.sidecar, keys.lease]),
  ]);
  return { stored, sidecarBytes: sidecar ?? null, leaseBytes: lease ?? null };
}

/** The server answered with an error, such as WRONGTYPE: something lies there that is not ours. */
function unreadableUnlessAway(error: unknown): 'unreadable' {
  if (error instanceof RedisUnavailableError) throw error;
  return 'unreadable';
}
