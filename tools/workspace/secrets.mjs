/** The secrets that `npm start` makes for this clone: each in a file of its own under `.local/` that only its user reads. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { localDirectory } from './paths.mjs';

export function keptSecret(file, make) {
  if (existsSync(file)) {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept !== '') {
      chmodSync(file, 0o600);
      return kept;
    }
  }
  mkdirSync(dirname(file), { recursive: true });
  const secret = make();
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return secret;
}

export const adminKeyFile = join(localDirectory, 'admin-api-key');

export const adminApiKey = () => keptSecret(adminKeyFile, () => `psc_${randomBytes(32).toString('base64url')}`);

export const encryptionKey = () =>
  keptSecret(join(localDirectory, 'encryption-key'), () => randomBytes(32).toString('base64'));
