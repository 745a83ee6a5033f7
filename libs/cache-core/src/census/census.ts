/**
 * How many keys each family has and what they take, as far as a bounded look at every server tells. Nothing is read but
 * names, and of a few keys of each kind the memory that they take; a server is asked for at most `keysPerServer` names, in steps that
 * cost it about 1.5 ms. What was not looked at is estimated, and says so; what is not known is null.
 */
import type { Role } from '../keyspace/roles.js';
import { catalogue } from '../keyspace/keyspace.js';
import { kindOfKey } from '../keyspace/key-kind.js';
import type { RedisLink, RedisNode } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import { RedisUnavailableError } from '../redis/errors.js';
import { estimate, NOTHING_KNOWN, sumOf, type Estimate } from './estimate.js';
import { walkKeys, type WalkedNode } from './key-sample.js';

export interface CensusSettings {
  readonly keyPrefix: string;
  readonly keysPerServer: number;
  /** Of each kind on each server. */
  readonly memorySamples: number;
  readonly withinMs: number;
}

export const DEFAULT_CENSUS: CensusSettings = {
  keyPrefix: '',
  keysPerServer: 10_000,
  memorySamples: 20,
  withinMs: 3000,
};

/** `bytes` null: nobody could say, or there is nothing to judge by. */
export interface Counted extends Estimate {
  readonly bytes: number | null;
}

export interface CountedPlace {
  readonly roles: readonly Role[];
  /** Null: it could not be asked. */
  readonly keys: number | null;
  readonly looked: number;
  readonly complete: boolean;
}

export interface Census {
  readonly takenAt: Date;
  readonly places: readonly CountedPlace[];
  /** By family id, of all families. */
  readonly families: ReadonlyMap<string, Counted>;
  /** What lies beside keys, what the platform needs for itself, what belongs to no family, what others have there. */
  readonly others: Readonly<Record<'companions' | 'platform' | 'unknown' | 'outside', Counted>>;
}

type Label = string;

const NEVER = new AbortController().signal;

/** What was met of one kind on one server. */
interface Met {
  keys: number;
  readonly sample: string[];
}

const OTHERS = ['companions', 'platform', 'unknown', 'outside'] as const;

/**
 * @param tenant whose keys are counted; null: everybody's. Keys that hold an identity hash do not show whose they are, and
 *   are not known then.
 */
export async function takeCensus(
  roles: RedisRoles,
  tenant: string | null,
  settings: Partial<CensusSettings> = {},
): Promise<Census> {
  const how = { ...DEFAULT_CENSUS, ...settings };
  const takenAt = new Date();
  const surveys = await Promise.all(roles.links().map((link) => survey(link, roles.rolesOf(link), tenant, how)));
  const families = catalogue.families.map(({ id, role, isolatedByIdentity }): [string, Counted] => {
    const here = surveys.find((one) => one.place.roles.includes(role));
    return [id, here === undefined || (tenant !== null && isolatedByIdentity) ? NOT_KNOWN : here.counted(id)];
  });
  const others = OTHERS.map((label) => [label, added(surveys.map((one) => one.counted(label)))] as const);
  return {
    takenAt,
    places: surveys.map(({ place }) => place),
    families: new Map(families),
    others: Object.fromEntries(others) as Census['others'],
  };
}

const NOT_KNOWN: Counted = Object.freeze({ ...NOTHING_KNOWN, bytes: null });

interface Survey {
  readonly place: CountedPlace;
  counted(label: Label): Counted;
}

async function survey(
  link: RedisLink,
  roles: readonly Role[],
  tenant: string | null,
  { keyPrefix, keysPerServer, memorySamples, withinMs }: CensusSettings,
): Promise<Survey> {
  const byNode = new Map<WalkedNode, Map<Label, Met>>();
  const visit = async (keys: readonly string[], walked: WalkedNode): Promise<void> => {
    const met = byNode.get(walked) ?? new Map<Label, Met>();
    byNode.set(walked, met);
    for (const key of keys) {
      const label = labelOf(key, keyPrefix, tenant);
      if (label === null) continue;
      let of = met.get(label);
      if (of === undefined) met.set(label, (of = { keys: 0, sample: [] }));
      of.keys += 1;
      if (of.sample.length < memorySamples) of.sample.push(key);
    }
  };
  try {
    const bounds = { mostKeys: keysPerServer, keysPerSecond: null, mostMs: withinMs, signal: NEVER };
    const nodes = await walkKeys(link, bounds, visit);
    const counts = await Promise.all(
      nodes.map((walked) => countsOf(walked, byNode.get(walked) ?? new Map<Label, Met>())),
    );
    return {
      place: {
        roles,
        keys: nodes.reduce((sum, { total }) => sum + total, 0),
        looked: nodes.reduce((sum, { looked }) => sum + looked, 0),
        complete: nodes.every(({ complete }) => complete),
      },
      counted: (label) => added(counts.map((one) => one(label))),
    };
  } catch (error) {
    // Of this place nothing is known.
    if (!(error instanceof RedisUnavailableError)) throw error;
    return { place: { roles, keys: null, looked: 0, complete: false }, counted: () => NOT_KNOWN };
  }
}

/** Null: not to be counted. */
function labelOf(physical: string, keyPrefix: string, tenant: string | null): Label | null {
  const kind = kindOfKey(physical, keyPrefix);
  if (kind.kind === 'value') return tenant === null || kind.parsed.tenant === tenant ? kind.parsed.family.id : null;
  if (tenant !== null) return null;
  return kind.kind === 'companion' ? 'companions' : kind.kind;
}

async function countsOf(
  { node, total, looked, complete }: WalkedNode,
  met: ReadonlyMap<Label, Met>,
): Promise<(label: Label) => Counted> {
  const bytesPerKey = new Map<Label, number | null>();
  for (const [label, { sample }] of met) bytesPerKey.set(label, await meanBytes(node, sample));
  return (label) => {
    const keys = met.get(label)?.keys ?? 0;
    // What was met twice does not make more than there are.
    const one = estimate({ met: keys, looked, total: complete ? looked : Math.max(total, looked) });
    const each = bytesPerKey.get(label) ?? null;
    return {
      ...one,
      bytes: one.keys === 0 ? 0 : one.keys === null || each === null ? null : Math.round(one.keys * each),
    };
  };
}

/** Null where the server does not say: an access rule, or keys that are gone. */
async function meanBytes(node: RedisNode, sample: readonly string[]): Promise<number | null> {
  const replies = await Promise.allSettled(sample.map((key) => node.read((client) => client.memory('USAGE', key))));
  const sizes = replies.flatMap((reply) => (reply.status === 'fulfilled' && reply.value !== null ? [reply.value] : []));
  return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

function added(counts: readonly Counted[]): Counted {
  const bytes = counts.filter(({ keys }) => keys !== null).map((one) => one.bytes);
  const known = bytes.length > 0 && bytes.every((one) => one !== null);
  return { ...sumOf(counts), bytes: known ? bytes.reduce((sum: number, one) => sum + (one ?? 0), 0) : null };
}
