/**
 * One process of the platform as far as the cache is concerned: it reads and writes all the time and writes down what it
 * saw. Started with its settings as JSON; told `stop` by its parent.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Cache,
  CacheAside,
  InvalidationOperations,
  RedisRoles,
  type Invalidation,
  type Loaded,
  type RedisHome,
} from '@promptsales/cache-core';
import { Random } from '@promptsales/simulator';
import { now } from './clock.js';
import {
  cacheEntryOf,
  ENTRIES,
  familyOf,
  globOf,
  labelsOf,
  nameOf,
  REACH_SIZES,
  refOf,
  type Reach,
} from './entries.js';
import type { HistoryRecord, Source } from './history.js';
import { OriginClient } from './origin-client.js';
import { tunnelThrough } from './tunnel.js';

export interface CacheProcessSettings {
  readonly name: string;
  readonly home: RedisHome;
  readonly proxyPort: number;
  readonly originPort: number;
  /** Where it writes down what it saw. */
  readonly file: string;
  readonly seed: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

/** What it says when it is told to `settle`. */
export interface SettledProcess {
  /** Requests that were never answered. */
  readonly unanswered: number;
  readonly pendingInvalidations: number;
  /** Whether it reaches Redis again. */
  readonly up: boolean;
  /** How often it emptied its own memory. */
  readonly emptied: number;
}

/** What it says when it is told to `look`: the version that it serves of each entry. */
export type FinalVersions = readonly number[];

/** Short, so that refreshes in the background meet the faults too. */
const FRESH_SECONDS = 2;

class OriginError extends Error {}

/** What the protocol said on the way of one read. */
interface Way {
  bypassed: boolean;
  /** Where the last entry that was found lay. */
  tier: 'l1' | 'redis' | null;
}

interface Value extends Record<string, unknown> {
  readonly version: number;
  readonly filler: string;
}

const settings = JSON.parse(process.argv[2] as string) as CacheProcessSettings;
const { name, originPort } = settings;
/** Redis is behind the proxy, the origin is not. */
tunnelThrough(settings.proxyPort, name, (port) => port === originPort);

const random = new Random(settings.seed);
const origin = new OriginClient(originPort);
const roles = new RedisRoles(settings.home);
let emptied = 0;
const onTheWay = new AsyncLocalStorage<Way>();
const cache = new Cache(
  roles,
  { l1: {} },
  {
    bypass: () => {
      const way = onTheWay.getStore();
      if (way !== undefined) way.bypassed = true;
    },
    hit: (_family, tier) => {
      const way = onTheWay.getStore();
      if (way !== undefined) way.tier = tier;
    },
    emptied: () => (emptied += 1),
  },
);
const aside = new CacheAside(cache, roles);
const operations = new InvalidationOperations(cache, roles).lookAfterOthers();

const lines: string[] = [];
const record = (what: HistoryRecord): number => lines.push(JSON.stringify(what));
const flush = (): void => {
  if (lines.length > 0) appendFileSync(settings.file, `${lines.splice(0).join('\n')}\n`);
};

for (const link of roles.links()) {
  link.on('state', (state, reason) => record({ what: 'link', process: name, at: now(), state, reason }));
}

/** The value as the origin has it: no other fields than a family takes. */
async function originValue(entry: number): Promise<Value> {
  return { version: await origin.read(entry), filler: 'x'.repeat(random.below(2000)) };
}

/** A load takes a while, so that invalidations and faults meet it; one in a hundred fails. */
async function load(entry: number): Promise<Value> {
  const value = await originValue(entry);
  await pause(random.between(1, 40));
  if (random.chance(0.01)) throw new OriginError('the origin fails');
  return value;
}

async function read(entry: number): Promise<void> {
  const ref = refOf(entry);
  const way: Way = { bypassed: false, tier: null };
  const began = now();
  const seen = (source: Source, value: unknown): void => {
    const { version } = value as Value;
    record({ what: 'read', process: name, entry, began, ended: now(), source, version, bypassed: way.bypassed });
  };
  const warm = aside.warm(ref);
  if (warm !== undefined) {
    seen('l1', warm.value);
    return;
  }
  try {
    const loaded = await onTheWay.run(way, () =>
      aside.getOrLoad(ref, () => load(entry), { labels: labelsOf(entry), freshSeconds: FRESH_SECONDS }),
    );
    seen(sourceOf(loaded.source, way), loaded.value);
  } catch (error) {
    const originFailed = error instanceof OriginError;
    record({ what: 'failure', process: name, entry, began, ended: now(), error: String(error), originFailed });
  }
}

/** An entry that is past its freshness may lie in this process's own memory too. */
function sourceOf(source: Loaded<unknown>['source'], { tier }: Way): Source {
  if (source === 'hit') return tier ?? 'redis';
  return source === 'stale' && tier === 'l1' ? 'stale l1' : source;
}

/** Mostly one entry; now and then many. */
function someReach(): Reach {
  const draw = random.next();
  const kind = draw < 0.6 ? 'key' : draw < 0.72 ? 'tag' : draw < 0.83 ? 'namespace' : draw < 0.9 ? 'family' : 'pattern';
  return { kind, index: random.below(REACH_SIZES[kind]) };
}

const INVALIDATIONS: {
  readonly [K in Reach['kind']]: (index: number) => Promise<Pick<Invalidation, 'pending'> | null>;
} = {
  key: (index) => cache.invalidate(cacheEntryOf(index)),
  tag: (index) => cache.invalidateTag(nameOf('tag', index)),
  namespace: (index) => cache.invalidateNamespace(nameOf('namespace', index)),
  family: (index) => cache.invalidateFamily(familyOf(index)),
  pattern: invalidateByPattern,
};

/** Returns when the operation has ended, however long Redis was away meanwhile; null when another process took it over. */
async function invalidateByPattern(index: number): Promise<Pick<Invalidation, 'pending'> | null> {
  const begun = await operations.begin(globOf(index));
  if (begun.kind === 'kept') return { pending: true };
  const { state } = await begun.ended;
  return state === 'done' ? { pending: false } : null;
}

async function write(reach: Reach): Promise<void> {
  const version = await origin.write(reach);
  const began = now();
  const invalidation = await INVALIDATIONS[reach.kind](reach.index);
  if (invalidation === null) return;
  const { pending } = invalidation;
  record({ what: 'write', process: name, reach, version, began, returned: now(), pending });
}

/** An open load: requests leave at their time, whether or not earlier ones have been answered. */
class Pace {
  readonly #began = now();
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(perSecond: number, act: () => Promise<void>) {
    this.#timer = setInterval(() => {
      const due = Math.floor(((now() - this.#began) / 1000) * perSecond);
      // A process that was stopped does not catch up with all that it missed.
      this.#sent = Math.max(this.#sent, due - perSecond);
      for (; this.#sent < due; this.#sent += 1) {
        const one = act().finally(() => this.#underWay.delete(one));
        this.#underWay.add(one);
      }
    }, 5);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** How many are still without an answer after so long. */
  async unansweredAfter(ms: number): Promise<number> {
    const end = now() + ms;
    while (this.#underWay.size > 0 && now() < end) await pause(20);
    return this.#underWay.size;
  }
}

const PATIENCE_MS = 20_000;

async function settle(writes: Pace, reads: Pace): Promise<SettledProcess> {
  writes.stop();
  const unansweredWrites = await writes.unansweredAfter(PATIENCE_MS);
  reads.stop();
  const unansweredReads = await reads.unansweredAfter(PATIENCE_MS);
  const end = now() + PATIENCE_MS;
  while ((cache.pendingInvalidations > 0 || !roles.up) && now() < end) await pause(20);
  flush();
  return {
    unanswered: unansweredReads + unansweredWrites,
    pendingInvalidations: cache.pendingInvalidations,
    up: roles.up,
    emptied,
  };
}

async function lookAtAll(): Promise<FinalVersions> {
  const versions: number[] = [];
  for (let entry = 0; entry < ENTRIES; entry += 1) {
    const { value } = await aside.getOrLoad(refOf(entry), () => originValue(entry), { labels: labelsOf(entry) });
    versions.push((value as Value).version);
  }
  return versions;
}

roles.open();
await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
setInterval(flush, 100);
const reads = new Pace(settings.readsPerSecond, () => read(Math.floor(random.next() ** 2 * ENTRIES)));
const writes = new Pace(settings.writesPerSecond, () => write(someReach()));
process.on('message', (order: 'settle' | 'look') => {
  void (order === 'settle' ? settle(writes, reads) : lookAtAll()).then((answer) => process.send?.(answer));
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
