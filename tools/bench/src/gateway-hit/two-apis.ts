import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStand, type Stand } from '@promptsales/stand';

/** Work on two API processes, the second of which has no L1, and in a directory of its own; all of it is gone afterwards. */
export async function withTwoApis(
  answerWords: number,
  work: (stand: Stand, directory: string) => Promise<void>,
): Promise<void> {
  const profile = process.env['BENCH_CPU_PROFILE'];
  const stand = await startStand({
    apis: 2,
    environmentOf: (api) => (api === 0 ? {} : { L1_MAX_BYTES: '0' }),
    firstByteMs: 0,
    answerWords,
    ...(profile === undefined ? {} : { nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profile}`] }),
  });
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-bench-'));
  try {
    await work(stand, directory);
  } finally {
    await stand.stop();
    rmSync(directory, { recursive: true });
  }
}
