/**
 * The cache in several real processes, each with L1 on, that read and write all the time, while the Redis servers and the
 * network between are broken in every way: `npm run chaos -- cache [--minutes 10] [--seed N] [--topology all]`.
 *
 * What must hold: the claims of `checker.ts`; and when the trouble is over every process reaches Redis, no invalidation
 * waits, nobody waits for an answer, and all serve what the origin has.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endWithThisProcess } from '@promptsales/local-services';
import { Random } from '@promptsales/simulator';
import type { Verdict } from '../verdict.js';
import type { FinalVersions, SettledProcess } from './cache-process.js';
import { now } from './clock.js';
import { check, CLAIMS, Invalidations, type Claim, type Violation } from './checker.js';
import { ENTRIES } from './entries.js';
import { FaultProxy } from './fault-proxy.js';
import { Faults, type Field, type Occurrence } from './faults.js';
import { Fleet } from './fleet.js';
import type { HistoryRecord } from './history.js';
import { parseOptions, type CacheChaosOptions } from './options.js';
import { startStand, type RedisStand, type TopologyName } from './redis-stand.js';
import { sayCounts, sayFaults, sayViolations } from './report.js';

const PROCESSES = 4;
const READS_PER_SECOND = 100;
const WRITES_PER_SECOND = 3;

/** Of a long list of what is wrong. */
const MOST_NAMED = 3;

type Say = (line: string) => void;

export async function cacheChaos(args: readonly string[]): Promise<boolean> {
  const options = parseOptions(args);
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-chaos-'));
  endWithThisProcess({ removeDirectory: directory });
  // Where the test kit puts its servers' data.
  process.env['PROMPTSALES_TEST_DIRECTORY'] = directory;
  console.log(`chaos cache --minutes ${options.minutes} --seed ${options.seed}: ${options.topologies.join(', ')}`);
  let holds = true;
  for (const topology of options.topologies) {
    console.log(`\n${topology}`);
    const verdicts = await oneTopology(topology, options, join(directory, topology), (line) =>
      console.log(`  ${line}`),
    );
    for (const verdict of verdicts) console.log(`  ${verdict.holds ? '✓' : '✗'} ${verdict.what}`);
    const good = verdicts.every((verdict) => verdict.holds);
    if (!good) {
      const again = `npm run chaos -- cache --minutes ${options.minutes / options.topologies.length}`;
      console.log(`  the same faults again: ${again} --seed ${options.seed} --topology ${topology}`);
    }
    holds &&= good;
  }
  return holds;
}

async function oneTopology(
  topology: TopologyName,
  { minutes, seed, topologies }: CacheChaosOptions,
  directory: string,
  say: Say,
): Promise<Verdict[]> {
  mkdirSync(directory, { recursive: true });
  const [stand, proxy] = await Promise.all([startStand(topology), FaultProxy.start()]);
  let fleet: Fleet | undefined;
  try {
    fleet = await Fleet.start({
      home: stand.home,
      proxyPort: proxy.port,
      directory,
      processes: PROCESSES,
      readsPerSecond: READS_PER_SECOND,
      writesPerSecond: WRITES_PER_SECOND,
      seed,
    });
    const effects = new Map<string, number>();
    const count = (effect: string, times = 1): unknown => effects.set(effect, (effects.get(effect) ?? 0) + times);
    const random = new Random(seed);
    const faults = new Faults(random, { withReplicas: stand.failOver !== null });
    const ms = (minutes * 60_000) / topologies.length;
    const occurred = await breakThings({ stand, proxy, fleet, count }, faults, random, ms);
    const settled = await fleet.settle();
    // What a process has in its memory comes to its bound.
    await pause(2000);
    const final = await fleet.look();
    const history = fleet.history();
    const violations = check(history);
    sayFaults(say, faults.names, occurred, effects, proxy.done);
    sayCounts(say, history, settled);
    sayViolations(say, violations, occurred, history);
    return verdictsOf(fleet, violations, settled, entriesBehind(history, fleet.names, final));
  } finally {
    await fleet?.stop();
    await proxy.stop();
    await stand.stop();
  }
}

/** One fault after another for so long. */
async function breakThings(field: Field, all: Faults, random: Random, ms: number): Promise<Occurrence[]> {
  const occurred: Occurrence[] = [];
  // Something is in the cache, and in the processes' memory, before the first.
  await pause(2000);
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const faults = all.next();
    const quiet = random.between(200, 4000);
    await Promise.all(
      faults.map(async (fault) => {
        const began = now();
        await fault.run(field).catch((error: unknown) => {
          throw new Error(`this could not be done: ${fault.name}`, { cause: error });
        });
        occurred.push({ name: fault.name, began, ended: now() });
      }),
    );
    await wholeAgain(
      field.stand,
      faults.map(({ name }) => name),
    );
    await pause(quiet);
  }
  return occurred;
}

async function wholeAgain(stand: RedisStand, after: readonly string[]): Promise<void> {
  try {
    await stand.untilWhole();
  } catch (error) {
    throw new Error(`the servers did not come together again after: ${after.join(' and ')}`, { cause: error });
  }
}

function verdictsOf(
  { endedByThemselves }: Fleet,
  violations: readonly Violation[],
  settled: readonly SettledProcess[],
  behind: readonly string[],
): Verdict[] {
  const claims = (Object.keys(CLAIMS) as Claim[]).map((claim): Verdict => {
    const count = violations.filter((one) => one.claim === claim).length;
    return { what: `${CLAIMS[claim]}${count === 0 ? '' : `: ${count} did`}`, holds: count === 0 };
  });
  const unanswered = settled.reduce((sum, one) => sum + one.unanswered, 0);
  const pending = settled.reduce((sum, one) => sum + one.pendingInvalidations, 0);
  return [
    ...claims,
    {
      what: `every request was answered${unanswered === 0 ? '' : `: ${unanswered} were not`}`,
      holds: unanswered === 0,
    },
    {
      what: `afterwards every process reaches Redis and no invalidation waits${pending === 0 ? '' : `: ${pending} do`}`,
      holds: pending === 0 && settled.every(({ up }) => up),
    },
    {
      what: `afterwards every process serves what the origin has${some(behind)}`,
      holds: behind.length === 0,
    },
    {
      what: `no process ended by itself${some(endedByThemselves)}`,
      holds: endedByThemselves.length === 0,
    },
  ];
}

/** Entries that are served older than what was invalidated last. */
function entriesBehind(
  history: readonly HistoryRecord[],
  living: readonly string[],
  final: readonly FinalVersions[],
): string[] {
  const writes = history.filter((one) => one.what === 'write');
  // What a process kept is gone with it.
  const invalidations = new Invalidations(
    writes.filter(({ pending, process }) => !pending || living.includes(process)),
  );
  return Array.from({ length: ENTRIES }, (_, entry) => entry).flatMap((entry) =>
    final.flatMap((versions, at) => {
      const version = versions[entry] as number;
      const missed = invalidations.newerThan({ entry, version }, Number.POSITIVE_INFINITY);
      return missed === null ? [] : [`${living[at]} entry ${entry} has ${version}, not ${missed.version}`];
    }),
  );
}

/** How many, and the first of them. */
function some(what: readonly string[]): string {
  if (what.length === 0) return '';
  return `: ${what.length}, ${what.slice(0, MOST_NAMED).join(', ')}${what.length > MOST_NAMED ? ', …' : ''}`;
}
