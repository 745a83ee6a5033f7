import type { RedisLink } from '../redis/link.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { Values } from '../redis/gathered-reads.js';
import { versionKeys } from '../keyspace/version-key.js';
import { keyRead, type EntryKeys, type Reading } from './entry.js';
import { judge, type Decoding, type Judgement } from './judgement.js';
import { readMark, type LeaseMark } from './lease-mark.js';
import { decodeSidecar, decodeTombstone } from './sidecar.js';
import { readCollection, storedTypeOf, type Stored, type StoredType } from './stored.js';
import { CurrentVersions, type Subjects } from './versions.js';

/** `lease`: the token of whoever loads it now. */
export type Found<T> = Judgement<T> & { readonly lease: string | null };

/** `away`: Redis could not be asked, or may not be trusted for this key just now. */
export type Lookup<T> = Found<T> | { readonly kind: 'away' };

/** What one look at an entry saw: beside the answer, what a load that follows from it has to know. */
export interface Look<T> {
  readonly found: Found<T>;
  readonly lease: LeaseMark | null;
  /** The load that is under way began under versions that are not the current ones any more. */
  readonly outdatedLease: boolean;
  /** What lay at the sidecar's key; '' for nothing. */
  readonly sidecar: string;
  /** When the entry was last invalidated, where that is remembered. */
  readonly invalidatedAtMs: number | null;
  readonly versions: CurrentVersions;
  /** The keys of all versions that it depends on: of what the caller named, and of what entry and lease record. */
  readonly under: readonly string[];
}

/**
 * One round trip: the value (or a part), the sidecar, the lease and the versions of the subjects. A second one when the
 * entry, or the load that is under way for it, is under subjects that the caller did not name.
 * @throws RedisUnavailableError when Redis cannot be asked; nothing that lies in Redis makes it throw
 */
export async function look<T>(
  reading: Reading<T>,
  keys: EntryKeys,
  subjects: Subjects,
  link: RedisLink,
  how: Decoding & { readonly keyPrefix: string },
): Promise<Look<T>> {
  const type = reading.part === undefined ? storedTypeOf(reading.ref.family) : 'string';
  const key = keyRead(reading, keys);
  const read = type === 'string' ? readString : readCollectionBeside.bind(null, type);
  const { stored, beside } = await read(key, [keys.sidecar, keys.lease, ...subjects.keys], link);
  const [sidecarBytes, leaseBytes, ...versionBytes] = beside;
  const sidecar = sidecarBytes ? decodeSidecar(sidecarBytes) : null;
  const lease = leaseBytes ? readMark(leaseBytes.toString()) : null;

  const versions = new CurrentVersions(subjects.names, versionBytes);
  const unnamed = versions.unknownAmong(sidecar?.versions ?? [], lease?.versions ?? []);
  const others = unnamed.map((name) => versionKeys.keyOf(name, reading.ref.tenant, how.keyPrefix));
  if (others.length > 0) versions.learn(unnamed, await link.readStrings(others));
  const invalidatedAtMs = sidecarBytes && sidecar === null ? decodeTombstone(sidecarBytes) : null;
  const sidecarThere = Boolean(sidecarBytes) && invalidatedAtMs === null;
  const now = link.now(keys.value);
  const evidence = { type, key, stored, sidecar, sidecarThere, versions, now };
  return {
    found: { ...judge(reading, evidence, how), lease: lease?.token ?? null },
    lease,
    outdatedLease: lease !== null && !versions.allow(lease.versions),
    sidecar: sidecarBytes?.toString() ?? '',
    invalidatedAtMs,
    versions,
    under: others.length === 0 ? subjects.keys : [...subjects.keys, ...others],
  };
}

interface Raw {
  readonly stored: Stored | 'unreadable' | null;
  /** Of the keys that were read beside it, in their order. */
  readonly beside: Values;
}

async function readString(key: string, others: readonly string[], link: RedisLink): Promise<Raw> {
  // A key of another type reads as nil here: somebody else's value is no value of ours.
  const [value, ...beside] = await link.readStrings([key, ...others]);
  return { stored: value ? [value] : null, beside };
}

async function readCollectionBeside(
  type: Exclude<StoredType, 'string'>,
  key: string,
  others: readonly string[],
  link: RedisLink,
): Promise<Raw> {
  // Sent in the same turn of the event loop, so that they share a round trip.
  const [stored, beside] = await Promise.all([
    link.readAt(key, (client) => readCollection(client, type, key)).catch(unreadableUnlessAway),
    link.readStrings(others),
  ]);
  return { stored, beside };
}

/** The server answered with an error, such as WRONGTYPE: something lies there that is not ours. */
function unreadableUnlessAway(error: unknown): 'unreadable' {
  if (error instanceof RedisUnavailableError) throw error;
  return 'unreadable';
}
