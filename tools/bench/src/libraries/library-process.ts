/** One library in a process of its own, so that what it leaves in the compiler and on the heap meets no other. See `Orders`. */
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { obey } from '../processes/ordered-process.js';
import { sampleValue, type SampleKind } from '../sample-value.js';
import { LIBRARIES } from './libraries.js';
import type { Orders, ProcessArguments, Work } from './orders.js';

const { library: name, redisUrl, tiers } = JSON.parse(process.argv[2] as string) as ProcessArguments;
const library = await LIBRARIES[name](redisUrl, tiers);

const keyOf = (kind: SampleKind, index: number): string => `${kind}-${index}`;
const never = (): Promise<never> => Promise.reject(new Error(`${name} loads a value that is stored`));
const getMany = (keys: readonly string[]): Promise<unknown[]> =>
  library.getMany?.(keys) ?? Promise.all(keys.map((key) => library.getOrLoad(key, never)));

obey<Orders>({
  async prepare({ keys, kind }) {
    for (let index = 0; index < keys; index += 1) {
      const key = keyOf(kind, index);
      await library.getOrLoad(key, async () => sampleValue(key, kind));
    }
    // A library may store in the background.
    await pause(200);
    for (let index = 0; index < keys; index += 1) {
      const [key, next] = [keyOf(kind, index), keyOf(kind, (index + 1) % keys)];
      check(await library.getOrLoad(key, never), key, kind);
      const both = await getMany([key, next]);
      [key, next].forEach((one, at) => check(both[at], one, kind));
    }
    return { stored: keys };
  },

  hits: ({ keys, kind, underWay, ms }) =>
    work(underWay, ms, async (turn) => {
      await library.getOrLoad(keyOf(kind, turn % keys), never);
      return 1;
    }),

  batches: ({ keys, kind, batch, underWay, ms }) =>
    work(underWay, ms, async (turn) => {
      const wanted = Array.from({ length: batch }, (_, at) => keyOf(kind, (turn * batch + at) % keys));
      return (await getMany(wanted)).length;
    }),

  async stampede({ key, callers, at, loadMs }) {
    let loads = 0;
    const load = async (): Promise<unknown> => {
      loads += 1;
      await pause(loadMs);
      return sampleValue(key, 'record');
    };
    await pause(Math.max(0, at - Date.now()));
    const began = performance.now();
    const values = await Promise.all(Array.from({ length: callers }, () => library.getOrLoad(key, load)));
    const slowestMs = performance.now() - began;
    const wanted = sampleValue(key, 'record');
    return { loads, slowestMs, wrong: values.filter((value) => !isDeepStrictEqual(value, wanted)).length };
  },
});

/** Repeats one step with so many under way, for so long; each step says how many values it read. */
async function work(underWay: number, ms: number, step: (turn: number) => Promise<number>): Promise<Work> {
  let reads = 0;
  let turn = 0;
  const before = process.cpuUsage();
  const began = performance.now();
  const end = began + ms;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      turn += 1;
      // Not in one expression, which would add to what `reads` was before the step.
      const more = await step(turn);
      reads += more;
    }
  };
  await Promise.all(Array.from({ length: underWay }, one));
  const { user, system } = process.cpuUsage(before);
  return { reads, seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function check(found: unknown, key: string, kind: SampleKind): void {
  if (!isDeepStrictEqual(found, sampleValue(key, kind)))
    throw new Error(`${name} returns another value than was stored`);
}
