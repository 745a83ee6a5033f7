/** A hit in the process's own memory, as each library gives it: of an object of 50 fields, and of a text of 20 kB. */
import { findRedis, startRedisServer } from '@promptsales/local-services';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { startSubjects, type Subject } from './subjects.js';

const KEYS = 64;
const ROUNDS = 5;
const ROUND_MS = 300;
const SLICE_MS = 20;

export async function warmHitBenchmark(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-bench-'));
  const localDirectory = join(import.meta.dirname, '../../../../.local');
  const redis = await startRedisServer(await findRedis({ localDirectory }), { directory, temporary: true });
  try {
    const rates = new Map<string, Record<string, string>>();
    for (const [what, make] of [
      ['50 fields', fiftyFields],
      ['20 kB text', twentyKilobytes],
    ] as const) {
      const values = Array.from({ length: KEYS }, (_, index) => make(index));
      const keys = values.map((_, index) => `${what.replaceAll(' ', '-')}-${index}`);
      const subjects = await startSubjects(redis.url, keys, values);
      try {
        await check(subjects, values);
        for (const [name, row] of await compare(subjects, what)) rates.set(name, { ...rates.get(name), ...row });
      } finally {
        for (const subject of subjects) await subject.close();
      }
    }
    console.table(Object.fromEntries(rates));
  } finally {
    await redis.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Each gives the right value for each key, and goes on giving it. */
async function check(subjects: readonly Subject[], values: readonly unknown[]): Promise<void> {
  for (const subject of subjects) {
    for (let index = 0; index < 2 * KEYS; index += 1) {
      const value = await subject.read(index % KEYS);
      if (!isDeepStrictEqual(value, values[index % KEYS])) throw new Error(`${subject.name} gives another value.`);
    }
  }
}

/** Rounds alternate between the subjects, so that what else the machine does meets all of them; the best one counts. */
async function compare(subjects: readonly Subject[], what: string): Promise<[string, Record<string, string>][]> {
  const best = new Map(subjects.map((subject) => [subject, 0]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const subject of subjects) {
      best.set(subject, Math.max(best.get(subject) ?? 0, await readsPerSecond(subject)));
    }
  }
  const yardstick = [...best.values()][0] ?? Number.NaN;
  return [...best].map(([{ name, follows }, rate]) => [
    name,
    {
      follows,
      [`${what}, M/s`]: (rate / 1e6).toFixed(2),
      [`${what}, × lru-cache`]: (rate / yardstick).toFixed(2),
    },
  ]);
}

async function readsPerSecond(subject: Subject): Promise<number> {
  let reads = 0;
  let elapsed = 0;
  const first = subject.read(0);
  while (elapsed < ROUND_MS) {
    // A process that never lets its sockets be read cannot know what others write: ours would rightly serve nothing.
    await turn();
    const began = performance.now();
    while (performance.now() - began < SLICE_MS) {
      if (first instanceof Promise) for (let index = 0; index < KEYS; index += 1) kept = await subject.read(index);
      else for (let index = 0; index < KEYS; index += 1) kept = subject.read(index);
      reads += KEYS;
    }
    elapsed += performance.now() - began;
    if (kept === undefined) throw new Error(`${subject.name} lost a value.`);
  }
  return (reads / elapsed) * 1000;
}

/** The last value stays reachable, so that the compiler cannot drop the reading. */
let kept: unknown;

function fiftyFields(index: number): Record<string, unknown> {
  return Object.fromEntries(
    Array.from({ length: 50 }, (_, field) => [
      `field_${field}`,
      field % 3 === 0 ? index * field : field % 3 === 1 ? `value ${index} of ${field}` : { nested: [index, field] },
    ]),
  );
}

function twentyKilobytes(index: number): string {
  return `${index} `.repeat(20_000).slice(0, 20_000);
}
