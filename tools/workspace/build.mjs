/** Builds what changed since the last build: Nx keeps the rest in its cache. */
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from '../local-services/index.mjs';
import { runLogged } from './logged-command.mjs';
import { inWorkspace, localDirectory } from './paths.mjs';
import { folderWithPnpm } from './pnpm.mjs';
import { environmentWithPrograms, runtime } from './runtime.mjs';

/** Builds the named projects, or all. */
export async function build({ projects } = {}) {
  // Nx unpacks a native module into the machine's temporary folder, where two users would meet: each clone has its own.
  const settings = { NX_DAEMON: 'false', NX_TUI: 'false', NX_NATIVE_FILE_CACHE_DIRECTORY: inWorkspace('.nx/native') };
  const { bin } = JSON.parse(readFileSync(inWorkspace('node_modules/nx/package.json'), 'utf8'));
  const nx = [
    inWorkspace('node_modules/nx', bin.nx),
    'run-many',
    '-t',
    'build',
    ...(projects ? ['-p', ...projects] : []),
  ];
  const programs = environmentWithPrograms();
  await withLock(join(localDirectory, 'locks/build.lock'), () =>
    runLogged(runtime(), nx, {
      what: 'The build',
      log: 'build.log',
      env: { ...programs, PATH: [folderWithPnpm(), programs.PATH].join(delimiter), ...settings },
    }),
  );
}
