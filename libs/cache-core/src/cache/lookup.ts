import type { RedisLink } from '../redis/link.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { Values } from '../redis/gathered-reads.js';
import { versionKeys } from '../keyspace/version-key.js';
import { partKey, type EntryKeys, type Reading } from './entry.js';
import { judge, type Decoding, type Judgement } from './judgement.js';
import { readMark, type LeaseMark } from './lease-mark.js';
import { decodeSidecar, decodeTombstone, type Sidecar } from './sidecar.js';
import { readCollection, storedTypeOf, type Stored, type StoredType } from './stored.js';
import { CurrentVersions, type Subjects } from './versions.js';

/** `away`: Redis could not be asked, or may not be trusted for this key just now. */
export type Lookup<T> = Judgement<T> | { readonly kind: 'away' };

/** What one look at an entry saw: beside the answer, what a load that follows from it has to know. */
export interface Look<T> {
  readonly found: Judgement<T>;
  readonly lease: LeaseMark | null;
  /** The load that is under way began under versions that are not the current ones any more. */
  readonly outdatedLease: boolean;
  /** What lay at the sidecar's key. */
  readonly sidecar: Buffer | null;
  /** When the entry was last invalidated, where that is remembered. */
  readonly invalidatedAtMs: number | null;
  readonly versions: CurrentVersions;
  /** The keys of all versions that it depends on: of what the caller named, and of what entry and lease record. */
  readonly under: readonly string[];
}

export interface LookSettings extends Decoding {
  readonly keyPrefix: string;
}

/** What a look is for. */
interface Sight<T> {
  readonly reading: Reading<T>;
  readonly keys: EntryKeys;
  readonly subjects: Subjects;
  readonly link: RedisLink;
  readonly how: LookSettings;
}

/** What was read of an entry, beside the versions. */
interface Raw {
  readonly type: StoredType;
  readonly stored: Stored | 'unreadable' | null;
  readonly part: Buffer | null;
  readonly sidecarBytes: Buffer | null;
  readonly leaseBytes: Buffer | null;
}

/**
 * One round trip: the value, the part that is read, the sidecar, the lease and the versions of the subjects. A second one when the
 * entry, or the load that is under way for it, is under subjects that the caller did not name.
 * @throws RedisUnavailableError when Redis cannot be asked; nothing that lies in Redis makes it throw
 */
export function look<T>(
  reading: Reading<T>,
  keys: EntryKeys,
  subjects: Subjects,
  link: RedisLink,
  how: LookSettings,
): Promise<Look<T>> {
  const sight = { reading, keys, subjects, link, how };
  const type = storedTypeOf(reading.ref.family);
  if (type !== 'string') return lookAtCollection(sight, type);
  return link
    .readStrings(stringsRead(reading, keys), subjects.keys)
    .then((values) => makeOut(sight, rawOf(reading, values), versionsBehind(sight, values)));
}

/**
 * The same for many entries of one family, each under the same subjects.
 * @throws RedisUnavailableError for all when one cannot be read
 */
export async function lookAtEach<T>(
  readings: readonly Reading<T>[],
  keys: readonly EntryKeys[],
  subjects: Subjects,
  link: RedisLink,
  how: LookSettings,
): Promise<readonly Look<T>[]> {
  const keysAt = (at: number): EntryKeys => keys[at] as EntryKeys;
  const inStrings = readings.every(({ ref }) => storedTypeOf(ref.family) === 'string');
  if (!inStrings) return Promise.all(readings.map((reading, at) => look(reading, keysAt(at), subjects, link, how)));
  const strings = readings.map((reading, at) => stringsRead(reading, keysAt(at)));
  const found = await link.readStringsOfEach(strings, subjects.keys);
  const looks: Look<T>[] = [];
  const later: Promise<void>[] = [];
  for (const [at, reading] of readings.entries()) {
    const values = found[at] as Values;
    const sight = { reading, keys: keysAt(at), subjects, link, how };
    const one = makeOut(sight, rawOf(reading, values), versionsBehind(sight, values));
    if (one instanceof Promise) later.push(one.then((whole) => void (looks[at] = whole)));
    else looks[at] = one;
  }
  if (later.length > 0) await Promise.all(later);
  return looks;
}

/** The keys beside the value's. */
function besideRead(reading: Reading<unknown>, keys: EntryKeys): readonly string[] {
  const part = partKey(reading, keys);
  return part === null ? [keys.sidecar, keys.lease] : [keys.sidecar, keys.lease, part];
}

function stringsRead(reading: Reading<unknown>, keys: EntryKeys): readonly string[] {
  return [keys.value, ...besideRead(reading, keys)];
}

function rawOf(reading: Reading<unknown>, values: Values): Raw {
  const [value, sidecarBytes = null, leaseBytes = null, fourth = null] = values;
  // A key of another type reads as nil here: somebody else's value is no value of ours.
  const stored = value ? [value] : null;
  return { type: 'string', stored, part: reading.part === undefined ? null : fourth, sidecarBytes, leaseBytes };
}

/** The versions stand behind what `stringsRead` names. */
function versionsBehind({ reading, subjects }: Sight<unknown>, values: Values): CurrentVersions {
  return new CurrentVersions(subjects.names, values.slice(reading.part === undefined ? 3 : 4));
}

async function lookAtCollection<T>(sight: Sight<T>, type: Exclude<StoredType, 'string'>): Promise<Look<T>> {
  const { reading, keys, subjects, link } = sight;
  // Sent in the same turn of the event loop, so that they share a round trip.
  const [stored, beside] = await Promise.all([
    link.readAt(keys.value, (client) => readCollection(client, type, keys.value)).catch(unreadableUnlessAway),
    link.readStrings(besideRead(reading, keys), subjects.keys),
  ]);
  const values = [null, ...beside];
  return makeOut(sight, { ...rawOf(reading, values), type, stored }, versionsBehind(sight, values));
}

/** At once, unless the entry or its lease records versions that the caller did not name. */
function makeOut<T>(sight: Sight<T>, raw: Raw, versions: CurrentVersions): Look<T> | Promise<Look<T>> {
  const { reading, subjects, link, how } = sight;
  const sidecar = raw.sidecarBytes === null ? null : decodeSidecar(raw.sidecarBytes);
  const lease = raw.leaseBytes === null ? null : readMark(raw.leaseBytes.toString());
  const unnamed = versions.unknownAmong(sidecar?.versions, lease?.versions);
  if (unnamed.length === 0) return made(sight, raw, sidecar, lease, versions, subjects.keys);
  const others = unnamed.map((name) => versionKeys.keyOf(name, reading.ref.tenant, how.keyPrefix));
  return link.readStrings(others).then((values) => {
    const all = new CurrentVersions(unnamed, values, versions);
    return made(sight, raw, sidecar, lease, all, [...subjects.keys, ...others]);
  });
}

function made<T>(
  { reading, keys, link, how }: Sight<T>,
  { type, stored, part, sidecarBytes }: Raw,
  sidecar: Sidecar | null,
  lease: LeaseMark | null,
  versions: CurrentVersions,
  under: readonly string[],
): Look<T> {
  const invalidatedAtMs = sidecarBytes !== null && sidecar === null ? decodeTombstone(sidecarBytes) : null;
  const evidence = {
    type,
    key: keys.value,
    stored,
    partKey: partKey(reading, keys),
    part,
    sidecar,
    sidecarThere: sidecarBytes !== null && invalidatedAtMs === null,
    lease: lease?.token ?? null,
    versions,
    now: link.now(keys.value),
  };
  return {
    found: judge(reading, evidence, how),
    lease,
    outdatedLease: lease !== null && !versions.allow(lease.versions),
    sidecar: sidecarBytes,
    invalidatedAtMs,
    versions,
    under,
  };
}

/** The server answered with an error, such as WRONGTYPE: something lies there that is not ours. */
function unreadableUnlessAway(error: unknown): 'unreadable' {
  if (error instanceof RedisUnavailableError) throw error;
  return 'unreadable';
}
