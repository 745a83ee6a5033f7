/**
 * A hit served from Redis, nothing kept in the process: one by one with fifty under way, and in batches. Each library has a
 * process of its own; rounds alternate, so that what else the machine does meets all of them.
 */
import { Redis } from 'ioredis';
import type { LibraryName } from '../libraries/libraries.js';
import type { Work } from '../libraries/orders.js';
import { startLibrary, type LibraryProcess } from '../libraries/start-library.js';
import { sampleValue, type SampleKind } from '../sample-value.js';
import { startTemporaryRedis, type TemporaryRedis } from '../temporary-redis.js';
import { pipelinedGets } from './redis-benchmark.js';

const SUBJECTS: readonly LibraryName[] = [
  'ioredis',
  'ioredis, pipelining',
  'ours',
  'bentocache',
  'cache-manager',
  'cacheable',
  'async-cache-dedupe',
  'cachified',
];
const KINDS: readonly SampleKind[] = ['record', 'short'];
const YARDSTICK: LibraryName = 'ioredis';
const KEYS = 1000;
const UNDER_WAY = 50;
const BATCH = 50;
const BATCHES_UNDER_WAY = 4;
const ROUNDS = 5;
const ROUND_MS = 1000 * Number(process.env['BENCH_ROUND_SECONDS'] ?? 1);

export async function redisHitBenchmark(): Promise<void> {
  const redis = await startTemporaryRedis();
  const watcher = new Redis(redis.server.url);
  const subjects: LibraryProcess[] = [];
  try {
    for (const name of SUBJECTS) subjects.push(await startLibrary(name, redis.server.url, 'redis'));
    for (const kind of KINDS) {
      for (const subject of subjects) await subject.order('prepare', { keys: KEYS, kind });
    }
    console.log(`records, one by one, ${UNDER_WAY} under way`);
    print(
      await rounds(subjects, watcher, (subject) =>
        subject.order('hits', { keys: KEYS, kind: 'record', underWay: UNDER_WAY, ms: ROUND_MS }),
      ),
    );
    for (const kind of KINDS) {
      const batches = await rounds(subjects, watcher, (subject) =>
        subject.order('batches', { keys: KEYS, kind, batch: BATCH, underWay: BATCHES_UNDER_WAY, ms: ROUND_MS }),
      );
      console.log(`${kind === 'record' ? 'records' : 'short values'}, ${BATCH} at once, ${BATCHES_UNDER_WAY} times`);
      print(batches);
      await printBesideRedisBenchmark(redis, kind, batches);
    }
  } finally {
    await Promise.all(subjects.map((one) => one.stop()));
    watcher.disconnect();
    await redis.server.kill();
  }
}

type Results = ReadonlyMap<LibraryName, readonly Work[]>;

async function rounds(
  subjects: readonly LibraryProcess[],
  watcher: Redis,
  measure: (subject: LibraryProcess) => Promise<Work>,
): Promise<Results> {
  const results = new Map<LibraryName, Work[]>(subjects.map(({ name }) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const subject of subjects) {
      const before = await keyspaceHits(watcher);
      const work = await measure(subject);
      if ((await keyspaceHits(watcher)) - before < work.reads) {
        throw new Error(`${subject.name} answered reads without asking Redis`);
      }
      if (round > 0) results.get(subject.name)?.push(work);
    }
  }
  return results;
}

async function keyspaceHits(watcher: Redis): Promise<number> {
  return Number(/^keyspace_hits:(\d+)/m.exec(await watcher.info('stats'))?.[1]);
}

function print(results: Results): void {
  const yardstick = together(results.get(YARDSTICK) ?? []);
  console.table(
    Object.fromEntries(
      [...results].map(([name, works]) => {
        const { perSecond, cpuMicros } = together(works);
        return [
          name,
          {
            'reads/s': Math.round(perSecond),
            [`× ${YARDSTICK}`]: rounded(perSecond / yardstick.perSecond),
            'CPU µs/read': rounded(cpuMicros),
            [`CPU × ${YARDSTICK}`]: rounded(cpuMicros / yardstick.cpuMicros),
          },
        ];
      }),
    ),
  );
}

async function printBesideRedisBenchmark(redis: TemporaryRedis, kind: SampleKind, batches: Results): Promise<void> {
  const bytes = JSON.stringify(sampleValue(`${kind}-0`, kind)).length;
  const gets = await pipelinedGets(
    redis,
    { connections: BATCHES_UNDER_WAY, pipeline: BATCH, requests: 200_000 },
    bytes,
  );
  const ours = together(batches.get('ours') ?? []).perSecond;
  console.log(
    `redis-benchmark, GET of ${bytes} bytes, ${BATCH} in a pipeline, ${BATCHES_UNDER_WAY} connections: ` +
      `${Math.round(gets)}/s; ours in batches: ${rounded(ours / gets)} ×`,
  );
}

/** The middle round of each figure: one that something else interrupted does not count. */
function together(works: readonly Work[]): { perSecond: number; cpuMicros: number } {
  return {
    perSecond: median(works.map(({ reads, seconds }) => reads / seconds)),
    cpuMicros: median(works.map(({ reads, cpuSeconds }) => (cpuSeconds / reads) * 1e6)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
