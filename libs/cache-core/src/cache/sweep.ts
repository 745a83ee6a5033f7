import type { RecoveryRun } from '../redis/link.js';
import { loadScript } from '../redis/script.js';

const SWEEP = loadScript(new URL('./lua/sweep.lua', import.meta.url));
const KEYS_A_STEP = 500;

/** Removes every key that begins with `prefix`, in bounded steps. For recovery, never on a request. */
export async function sweepPrefix(run: RecoveryRun, prefix: string): Promise<void> {
  const glob = `${prefix.replace(/[*?[\]\\]/g, String.raw`\$&`)}*`;
  let cursor = '0';
  do {
    cursor = String(await run(SWEEP, [], [cursor, glob, KEYS_A_STEP]));
  } while (cursor !== '0');
}
