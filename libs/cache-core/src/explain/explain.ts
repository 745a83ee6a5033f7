/**
 * Why a key is hit, missed or stale: what a lookup sees of it just now, and what it makes of that. The lookup's own code
 * decides (`Cache.examine`), so that an explanation cannot differ from what readers get. Values are never shown.
 */
import calculateSlot from 'cluster-key-slot';
import { absent } from '../cache/answers.js';
import type { Cache, Examination } from '../cache/cache.js';
import { valueReading } from '../cache/family-value.js';
import { conditionOf } from '../cache/freshness.js';
import type { Unusable } from '../cache/observer.js';
import { decodeSidecar, type Sidecar } from '../cache/sidecar.js';
import type { KeyRef, ValueOf } from '../keyspace/family.js';
import type { RedisLink } from '../redis/link.js';
import { RedisUnavailableError } from '../redis/errors.js';

export type Verdict = 'hit' | 'stale' | 'miss' | 'bypass';

export interface Explanation {
  readonly ref: KeyRef;
  readonly physicalKey: string;
  /** Which link serves it; in a cluster also the slot. */
  readonly place: { readonly link: string; readonly slot: number | null };
  readonly verdict: Verdict;
  readonly why: string;
  /** As Redis calls it; null when nothing is there. */
  readonly type: string | null;
  readonly ttlMs: number | null;
  /** All that the value takes of the server's memory; null when nothing is there, or the server does not say. */
  readonly bytes: number | null;
  readonly sidecar: SidecarFacts | null;
  readonly lease: {
    readonly holder: string;
    readonly here: boolean;
    readonly ttlMs: number | null;
    readonly outdated: boolean;
  } | null;
  readonly invalidatedAtMs: number | null;
  /** Whether readers of this process are served from its own memory; null: nothing is kept of such entries. */
  readonly inOwnMemory: boolean | null;
}

export interface SidecarFacts {
  readonly tenant: string;
  readonly storedAtMs: number;
  readonly freshUntilMs: number;
  readonly expiresAtMs: number;
  readonly loadCostMs: number;
  /** It is remembered that the origin has no value. */
  readonly absence: boolean;
  /** Null: no value to compare it with. */
  readonly fingerprintAgrees: boolean | null;
  readonly versions: readonly { readonly subject: string; readonly current: boolean }[];
}

const BECAUSE: Readonly<Record<Unusable, string>> = {
  unreadable: 'what lies there has another type than the family’s, or cannot be decoded as a value of the family',
  no_sidecar: 'nothing readable lies beside the value that says when and for whom it was stored',
  mismatch:
    'what lies beside the value belongs to other bytes: somebody else wrote the value, or half of the entry was evicted',
  tenant: 'it is the entry of another tenant',
  version: 'its family, its namespace or one of its tags was invalidated since it was loaded, or that version was lost',
};

/** @throws RedisUnavailableError */
export async function explain(ref: KeyRef, cache: Cache): Promise<Explanation> {
  type Value = ValueOf<KeyRef['family']> | typeof absent;
  const examined = await cache.examine<Value>({ ...valueReading(ref), absence: absent });
  const { keys, link, seen } = examined;
  const [type, ttlMs, leaseTtlMs, bytes] = await Promise.all([
    link.readAt(keys.value, (client) => client.type(keys.value)),
    link.readAt(keys.value, (client) => client.pttl(keys.value)),
    link.readAt(keys.lease, (client) => client.pttl(keys.lease)),
    memoryOf(keys.value, link),
  ]);
  const sidecar = seen.sidecar === null ? null : decodeSidecar(seen.sidecar);
  return {
    ref,
    physicalKey: keys.value,
    place: { link: link.name, slot: link.clustered ? calculateSlot(keys.value) : null },
    ...verdictOf(ref, examined, cache),
    type: type === 'none' ? null : type,
    ttlMs: ttlMs >= 0 ? ttlMs : null,
    bytes,
    sidecar: sidecar === null ? null : factsOf(sidecar, examined, type !== 'none'),
    lease:
      seen.lease === null
        ? null
        : {
            holder: seen.lease.token.split('.')[0] ?? '',
            here: examined.loadsHere,
            ttlMs: leaseTtlMs >= 0 ? leaseTtlMs : null,
            outdated: seen.outdatedLease,
          },
    invalidatedAtMs: seen.invalidatedAtMs,
    inOwnMemory: examined.inOwnMemory,
  };
}

function verdictOf(
  ref: KeyRef,
  { seen: { found, lease, outdatedLease }, blocked }: Examination<unknown>,
  cache: Cache,
): { readonly verdict: Verdict; readonly why: string } {
  if (blocked) {
    return { verdict: 'bypass', why: 'an invalidation of it waits for Redis, so this process asks the origin instead' };
  }
  if (found.kind === 'miss') {
    const because = found.unusable === null ? 'nothing is stored' : BECAUSE[found.unusable];
    if (lease === null) return { verdict: 'miss', why: `${because}; the next reader loads it` };
    const waits = outdatedLease
      ? 'began before an invalidation, so that nobody waits for it'
      : 'is under way, and readers wait for it';
    return { verdict: 'miss', why: `${because}; a load ${waits}` };
  }
  if (found.hit.storedAtMs === null) {
    return { verdict: 'hit', why: 'another system wrote it, which this family permits: nothing is known of its age' };
  }
  const what = found.hit.value === absent ? 'the origin has no value, which is remembered' : 'it is stored';
  // By the middle of the lot that falls to each reader.
  const condition = conditionOf(found.hit, cache.policies.of(ref.family).freshness, () => 0);
  if (condition === 'fresh' || condition === 'early') return { verdict: 'hit', why: `${what}, and fresh` };
  if (condition === 'stale') {
    return { verdict: 'stale', why: `${what}, and past its freshness: it serves while it is being loaded anew` };
  }
  return { verdict: 'miss', why: `${what}, and past its grace: it serves nobody any more` };
}

function factsOf(
  sidecar: Sidecar,
  { seen: { found, versions } }: Examination<unknown>,
  valueThere: boolean,
): SidecarFacts {
  const pairs = sidecar.versions ?? [];
  const subjects: { subject: string; current: boolean }[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    subjects.push({ subject: pairs[at] as string, current: versions.of(pairs[at] as string) === pairs[at + 1] });
  }
  const { tenant, storedAtMs, freshUntilMs, expiresAtMs, loadCostMs, fingerprints } = sidecar;
  const compared = found.kind === 'hit' || ['mismatch', 'version', 'unreadable'].includes(found.unusable ?? '');
  return {
    tenant,
    storedAtMs,
    freshUntilMs,
    expiresAtMs,
    loadCostMs,
    absence: fingerprints.length === 0,
    fingerprintAgrees: valueThere && compared ? !(found.kind === 'miss' && found.unusable === 'mismatch') : null,
    versions: subjects,
  };
}

async function memoryOf(key: string, link: RedisLink): Promise<number | null> {
  try {
    return await link.readAt(key, (client) => client.memory('USAGE', key));
  } catch (error) {
    if (error instanceof RedisUnavailableError) throw error;
    // Refused by an access rule, or not known to the server: a fact less.
    return null;
  }
}
