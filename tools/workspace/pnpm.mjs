/** The pnpm of this workspace. A newcomer has none on PATH: it runs by way of npx. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localDirectory } from './paths.mjs';

const VERSION = '12.21.0';

/** What npx runs. */
export const PNPM = `pnpm@${VERSION}`;

/** What pnpm says to do, so that it can be done where there is no pnpm on PATH. */
export function advisedThroughNpx(text) {
  return text.replaceAll(/(?<!npx )\bpnpm(?=\s+install\b)/g, `npx ${PNPM}`);
}

/** A folder with a `pnpm` for programs that look for one: Nx asks it for its version. */
export function folderWithPnpm() {
  const folder = join(localDirectory, 'bin');
  mkdirSync(folder, { recursive: true });
  const script = `#!/bin/sh\ncase "$*" in *--version) echo ${VERSION} ;; *) exec npx -y ${PNPM} "$@" ;; esac\n`;
  writeFileSync(join(folder, 'pnpm'), script, { mode: 0o755 });
  return folder;
}
