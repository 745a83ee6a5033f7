/**
 * Installs the packages that this clone lacks, and only then: a stamp in node_modules says for which manifests and
 * lockfile the last install was made.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../local-services/index.mjs';
import { runLogged } from './logged-command.mjs';
import { inWorkspace, localDirectory } from './paths.mjs';
import { advisedThroughNpx, PNPM } from './pnpm.mjs';
import { StartError } from './progress.mjs';

const stampFile = inWorkspace('node_modules/.promptsales-installed');

function manifests() {
  const packages = ['apps', 'libs', 'tools'].flatMap((folder) =>
    readdirSync(inWorkspace(folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name, 'package.json')),
  );
  packages.sort((one, other) => (one < other ? -1 : 1));
  const files = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', ...packages];
  return files.filter((file) => existsSync(inWorkspace(file)));
}

function wantedStamp() {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch} ${PNPM}\n`);
  for (const file of manifests())
    hash
      .update(`${file}\n`)
      .update(readFileSync(inWorkspace(file)))
      .update('\n');
  return hash.digest('hex');
}

const isInstalled = (stamp) => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;

/** What may not be so a moment later. npm and pnpm have tried several times by then, but each package on its own. */
const isOfTheNetwork = ({ message }) =>
  /\b(?:ECONNRESET|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EPIPE)\b|socket hang up|network timeout|META_FETCH_FAIL|FETCH_5\d\d/i.test(
    message,
  );

/** Installs what is missing. `onStart` is called only when there is something to do. */
export async function install({ onStart = () => {} } = {}) {
  if (isInstalled(wantedStamp())) return;
  const work = async () => {
    const stamp = wantedStamp();
    if (isInstalled(stamp)) return;
    onStart();
    // CI: pnpm asks nothing. Without a terminal to answer on, a question would end the install.
    const env = { ...process.env, CI: 'true' };
    // A machine set up for production would leave out what builds and tests the workspace.
    for (const name of ['NODE_ENV', 'npm_config_production', 'npm_config_omit', 'npm_config_only']) delete env[name];
    const args = ['-y', PNPM, 'install', '--frozen-lockfile'];
    const attempt = () => runLogged('npx', args, { what: 'Installing the packages', log: 'install.log', env });
    await attempt()
      .catch((error) => (isOfTheNetwork(error) ? attempt() : Promise.reject(error)))
      .catch((error) => {
        throw new StartError(advisedThroughNpx(error.message));
      });
    writeFileSync(stampFile, stamp);
  };
  await withLock(join(localDirectory, 'locks/install.lock'), work);
}
