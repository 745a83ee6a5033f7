/** What is done to the simulated house, and when: made from a seed, or written by hand. */
import type { FreshnessOptions } from '@promptsales/cache-core';
import type { Break } from '../network/network.js';
import { Random } from '../time/random.js';

export interface LoadPlan {
  readonly ms: number;
  readonly fails: boolean;
  /** It never ends, unless it is told to. */
  readonly hangs: boolean;
  /** When the origin is read: at the beginning of the load (so the value can be old when it arrives) or at its end. */
  readonly reads: 'early' | 'late';
}

export interface ReadPlan {
  readonly load: LoadPlan;
  /** It does not look first (`no-cache`), and stores over whatever is being loaded. */
  readonly anew: boolean;
  /** The caller waits no longer; null: as long as it takes. */
  readonly leavesAfterMs: number | null;
}

/** By what an entry is invalidated: each reaches it, most of them others as well. */
const REACHES = ['key', 'own tag', 'shared tag', 'namespace', 'family', 'pattern'] as const;
export type Reach = (typeof REACHES)[number];

/** What callers do. */
export type Operation =
  | ({ readonly kind: 'read'; readonly process: number; readonly entry: number } & ReadPlan)
  /** One call for all entries. */
  | { readonly kind: 'read many'; readonly process: number; readonly load: LoadPlan }
  /** A look that leads to no load, by a caller who knows nothing of tags. */
  | { readonly kind: 'look'; readonly process: number; readonly entry: number }
  /** The origin changes, then its entry is invalidated. */
  | { readonly kind: 'write'; readonly process: number; readonly entry: number; readonly by: Reach }
  /** The origin changes, then the new value is put into the cache; where that fails, the entry is invalidated. */
  | { readonly kind: 'write through'; readonly process: number; readonly entry: number };

const EVICTABLE = ['value', 'sidecar', 'lease', 'version'] as const;
export type Evictable = (typeof EVICTABLE)[number];

/** What befalls them. */
export type Fault =
  | { readonly kind: 'break'; readonly process: number; readonly connection: number; readonly how: Break }
  | { readonly kind: 'slow'; readonly process: number; readonly ms: number; readonly forMs: number }
  | { readonly kind: 'cut off'; readonly process: number; readonly forMs: number }
  | { readonly kind: 'freeze process'; readonly process: number; readonly forMs: number }
  | { readonly kind: 'kill process'; readonly process: number; readonly forMs: number }
  | { readonly kind: 'step clock'; readonly process: number; readonly ms: number }
  | { readonly kind: 'freeze server'; readonly forMs: number }
  | { readonly kind: 'restart server'; readonly forMs: number; readonly forgetMs: number; readonly skewMs: number }
  | { readonly kind: 'out of memory'; readonly forMs: number }
  | { readonly kind: 'evict'; readonly entry: number; readonly what: Evictable }
  /** Somebody else writes to the contract key. */
  | { readonly kind: 'foreign write'; readonly entry: number };

export type Step = { readonly at: number } & (Operation | Fault);

/** The freshness options of all readers; with them, the origin has no value at every fifth version. */
export type Ageing = Required<
  Pick<
    FreshnessOptions,
    'freshSeconds' | 'graceSeconds' | 'softTimeoutMs' | 'hardTimeoutMs' | 'negativeTtlSeconds' | 'errorBackoffMs'
  >
>;

export interface Plan {
  readonly seed: number;
  readonly processes: number;
  readonly entries: number;
  readonly ttlSeconds: number;
  /** The writers of an entry take turns, as those must who put values into the cache. */
  readonly turns: boolean;
  /** Processes keep what they read in their own memory. */
  readonly l1: boolean;
  /** How values age; null: they are fresh for as long as they live, and there are always values. */
  readonly ageing: Ageing | null;
  /** How many pending invalidations a process keeps one by one. */
  readonly journalCapacity: number;
  /** In order of time. */
  readonly steps: readonly Step[];
  /** When the last step is over and everything heals. */
  readonly lengthMs: number;
}

const LENGTH_MS = 6000;
/** The part of the schedules whose writers put values into the cache. */
const WRITE_THROUGH = 0.4;
const LONGEST_LOAD_MS = 700;
/** Longer than a lease lasts that nobody renews. */
const LONGEST_LOAD_IN_FAIR_WEATHER_MS = 2200;

export type FaultKind = Fault['kind'];

/** Which faults come together in one schedule: one kind alone finds other things than all at once. */
const WEATHERS: readonly (readonly FaultKind[])[] = [
  [],
  ['slow', 'break'],
  ['break', 'cut off', 'freeze server'],
  ['freeze process', 'kill process', 'slow'],
  ['restart server', 'break'],
  ['restart server', 'freeze process', 'kill process', 'cut off'],
  ['evict', 'foreign write', 'out of memory'],
  [
    'break',
    'slow',
    'cut off',
    'freeze process',
    'kill process',
    'step clock',
    'freeze server',
    'restart server',
    'out of memory',
    'evict',
    'foreign write',
  ],
];

const OPERATIONS: ReadonlySet<Step['kind']> = new Set<Operation['kind']>([
  'read',
  'read many',
  'look',
  'write',
  'write through',
]);

/** Whether something other than callers acts. */
export function isStormy({ steps }: Plan): boolean {
  return steps.some(({ kind }) => !OPERATIONS.has(kind));
}

export interface PlanOptions {
  /** @default 6000 */
  readonly lengthMs?: number;
  /** What is not to befall anybody. */
  readonly without?: readonly FaultKind[];
}

export function planFrom(seed: number, { lengthMs = LENGTH_MS, without = [] }: PlanOptions = {}): Plan {
  const random = new Random(seed);
  const processes = 2 + random.below(2);
  const entries = 1 + random.below(2);
  const weather = random.pick(WEATHERS);
  // Races need things close together: most steps lie around a few moments.
  const moments = Array.from({ length: 3 + random.below(4) }, () => random.between(200, lengthMs - 1000));
  const when = (): number =>
    random.chance(0.75) ? Math.max(0, random.pick(moments) + random.between(-60, 120)) : random.between(0, lengthMs);

  const turns = random.chance(WRITE_THROUGH);
  const longestMs = weather.length === 0 ? LONGEST_LOAD_IN_FAIR_WEATHER_MS : LONGEST_LOAD_MS;
  const l1 = random.chance(0.4);
  const ageing = random.chance(0.4) ? anAgeing(random) : null;
  // One who keeps what he has read is tried by reading again.
  const reading = l1 ? 0.8 : 0.65;

  const steps: Step[] = [];
  for (let left = 12 + random.below(l1 ? 50 : 30); left > 0; left -= 1) {
    steps.push({
      at: when(),
      ...anOperation(random, processes, entries, { turns, reading, longestMs, hanging: ageing === null ? 0 : 0.06 }),
    });
  }
  if (weather.length > 0) {
    for (let left = 1 + random.below(6); left > 0; left -= 1) {
      steps.push({ at: when(), ...aFault(random, random.pick(weather), processes, entries) });
    }
  }
  return {
    seed,
    processes,
    entries,
    ttlSeconds: random.pick([3, 120]),
    turns,
    l1,
    ageing,
    journalCapacity: random.chance(0.85) ? 1000 : 1,
    steps: steps
      .filter(({ kind }) => !without.some((one) => one === kind))
      .map((step) => ({ ...step, at: Math.round(step.at) }))
      .toSorted((a, b) => a.at - b.at),
    lengthMs,
  };
}

function anAgeing(random: Random): Ageing {
  return {
    freshSeconds: random.pick([0.05, 0.5, 2]),
    graceSeconds: random.pick([0, 0.3, 5]),
    softTimeoutMs: random.pick([0, 30, null]),
    hardTimeoutMs: random.pick([150, 800]),
    negativeTtlSeconds: random.pick([0.5, 60]),
    errorBackoffMs: random.pick([0, 300]),
  };
}

function anOperation(
  random: Random,
  processes: number,
  entries: number,
  how: { readonly turns: boolean; readonly reading: number; readonly longestMs: number; readonly hanging: number },
): Operation {
  const whose = { process: random.below(processes), entry: random.below(entries) };
  const load: LoadPlan = {
    ms: Math.round(random.chance(0.6) ? random.between(1, 60) : random.between(60, how.longestMs)),
    fails: random.chance(0.1),
    hangs: random.chance(how.hanging),
    reads: random.chance(0.6) ? 'early' : 'late',
  };
  const which = random.next();
  if (which < 0.05) return { kind: 'look', ...whose };
  if (which < 0.12) return { kind: 'read many', process: whose.process, load };
  if (which < how.reading) {
    const leavesAfterMs = random.chance(0.08) ? Math.round(random.between(1, 150)) : null;
    return { kind: 'read', ...whose, load, anew: random.chance(0.06), leavesAfterMs };
  }
  if (how.turns && random.chance(0.6)) return { kind: 'write through', ...whose };
  return { kind: 'write', ...whose, by: random.chance(0.5) ? 'key' : random.pick(REACHES) };
}

function aFault(random: Random, kind: FaultKind, processes: number, entries: number): Fault {
  const process = random.below(processes);
  const entry = random.below(entries);
  const forMs = Math.round(random.chance(0.5) ? random.between(20, 400) : random.between(400, 2500));
  switch (kind) {
    case 'break':
      return { kind, process, connection: random.below(3), how: random.pick(['both ways', 'answers only'] as const) };
    case 'slow':
      // A few milliseconds are enough for one message to be overtaken.
      return {
        kind,
        process,
        ms: Math.round(random.between(20, 400)),
        forMs: random.chance(0.5) ? 1 + random.below(20) : forMs,
      };
    case 'step clock':
      return { kind, process, ms: Math.round(random.between(-100_000, 100_000)) };
    case 'restart server':
      return {
        kind,
        forMs: Math.round(random.between(5, 800)),
        forgetMs: random.chance(0.7) ? Math.round(random.between(10, 1500)) : 0,
        skewMs: random.chance(0.3) ? Math.round(random.between(-2000, 2000)) : 0,
      };
    case 'evict':
      return { kind, entry, what: random.pick(EVICTABLE) };
    case 'foreign write':
      return { kind, entry };
    case 'freeze server':
    case 'out of memory':
      return { kind, forMs };
    default:
      return { kind, process, forMs };
  }
}
