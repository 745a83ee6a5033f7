/**
 * `npm run mutations [-- PART OF A NAME]`: takes away, one at a time, what the protocol does, and runs the proof against
 * the rest. Exits 1 when a mutation is not noticed, or no longer matches the code.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Noticed } from './attempt.js';
import type { Mutation } from './mutation.js';
import { MUTATIONS } from './mutations.js';
import { prepare, remove } from './workshop.js';

/** What a mutation may take to be noticed. */
const SEEDS = 600;
const WORKSPACE = join(import.meta.dirname, '../../../..');
const run = promisify(execFile);

async function judge(mutation: Mutation): Promise<boolean> {
  try {
    const simulator = await prepare(WORKSPACE, mutation);
    const { stdout } = await run(process.execPath, [join(simulator, 'dist/mutations/attempt.js'), String(SEEDS)]);
    const noticed = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Noticed | null;
    console.log(
      noticed === null ? `✗ ${mutation.name}: SURVIVED` : `✓ ${mutation.name}: ${noticed.claim} (${noticed.by})`,
    );
    return noticed !== null;
  } catch (error) {
    const { message } = error as Error;
    console.log(`✗ ${mutation.name}: ${/^\w*Error.*$/m.exec(message)?.[0] ?? message}`);
    return false;
  }
}

async function main(part: string): Promise<boolean> {
  const waiting = MUTATIONS.filter(({ name }) => name.includes(part));
  const total = waiting.length;
  let noticed = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) if (await judge(next)) noticed += 1;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  await remove(WORKSPACE);
  console.log(`${noticed} of ${total} mutations noticed`);
  return noticed === total && total > 0;
}

process.exit((await main(process.argv[2] ?? '')) ? 0 : 1);
