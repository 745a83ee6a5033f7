import { SingleBar } from 'cli-progress';
import type { Asked } from './ask.js';

/** One pass over all questions. */
export interface Round {
  readonly name: string;
  readonly asked: readonly Asked[];
  readonly seconds: number;
}

/** Runs `work` for 0 … count − 1, so many at a time, with a progress bar. The first failure ends it. */
export async function round(
  name: string,
  count: number,
  concurrency: number,
  work: (index: number) => Promise<Asked>,
): Promise<Round> {
  const bar = new SingleBar({
    format: `  ${name.padEnd(34)} {bar} {value}/{total}  {duration_formatted}`,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 5000,
  });
  const asked: Asked[] = Array.from({ length: count });
  const began = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      asked[index] = await work(index);
      bar.increment();
    }
  };
  bar.start(count, 0);
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane));
  } finally {
    bar.stop();
  }
  return { name, asked, seconds: (performance.now() - began) / 1000 };
}
