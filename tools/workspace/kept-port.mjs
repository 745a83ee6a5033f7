/** A port that a clone keeps from one start to the next. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { freePort, isPortFree } from '../local-services/index.mjs';

/**
 * The port in `file` where nothing listens on it, else a free one, which is kept from then on.
 * For a server whose address others remember: answers are known by the address of their provider, among other things.
 */
export async function keptPort(file) {
  const kept = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  if (Number.isInteger(kept) && kept > 0 && kept <= 65_535 && (await isPortFree(kept))) return kept;
  const port = await freePort();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${port}\n`);
  return port;
}
