/** One subject in a process of its own. See `InvalidateOrders`. */
import { obey } from '../processes/ordered-process.js';
import { doomed, other } from './invalidate-subject.js';
import type { InvalidateOrders } from './orders.js';
import { SUBJECTS, type SubjectName } from './subjects.js';

const { name, redisUrl } = JSON.parse(process.argv[2] as string) as { name: SubjectName; redisUrl: string };
const subject = await SUBJECTS[name](redisUrl);

const OTHERS = 100;
const AT_ONCE = 500;
const CHECKED = 200;

async function timed(work: () => Promise<unknown>): Promise<{ ms: number }> {
  const began = performance.now();
  await work();
  return { ms: performance.now() - began };
}

async function countServed(keys: readonly string[]): Promise<number> {
  let served = 0;
  for (const key of keys) if (await subject.isServed(key)) served += 1;
  return served;
}

/** Some of all, evenly. */
const someOf = (keys: number): string[] =>
  Array.from({ length: Math.min(keys, CHECKED) }, (_, at) => doomed(Math.floor((at * keys) / Math.min(keys, CHECKED))));

obey<InvalidateOrders>({
  async fill({ keys }) {
    for (let index = 0; index < OTHERS; index += 1) await subject.store(other(index), 'others');
    await subject.store(doomed(0), 'doomed');
    for (let from = 1; from < keys; from += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, keys - from) }, (_, at) => doomed(from + at));
      if (subject.storeMany === undefined) await Promise.all(some.map((key) => subject.store(key, 'doomed')));
      else await subject.storeMany(some, doomed(0));
    }
    const served = await countServed(someOf(keys));
    if (served < Math.min(keys, CHECKED)) throw new Error(`${name}: only ${served} of the entries are there`);
    return null;
  },
  invalidate: () => timed(() => subject.invalidate()),
  afterwards: async () => {
    const pending = subject.afterwards?.();
    return pending === undefined ? null : timed(() => pending);
  },
  async check({ keys }) {
    const others = Array.from({ length: OTHERS }, (_, index) => other(index));
    return { served: await countServed(someOf(keys)), keptOfOthers: await countServed(others), others: OTHERS };
  },
});
