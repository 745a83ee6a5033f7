/**
 * Installs the packages that this clone lacks, and only then: a stamp in node_modules says for which manifests and
 * lockfile the last install was made.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, withLock } from '../local-services/index.mjs';
import { inWorkspace, localDirectory, logDirectory } from './paths.mjs';

const PNPM = 'pnpm@12.21.0';
const stampFile = inWorkspace('node_modules/.promptsales-installed');

function manifests() {
  const packages = ['apps', 'libs', 'tools'].flatMap((folder) =>
    readdirSync(inWorkspace(folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name, 'package.json')),
  );
  return ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', ...packages.sort()].filter((file) =>
    existsSync(inWorkspace(file)),
  );
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

function runPnpm(logFile) {
  const log = openSync(logFile, 'w');
  return new Promise((resolve, reject) => {
    const pnpm = spawn('npx', ['-y', PNPM, 'install', '--frozen-lockfile'], {
      cwd: inWorkspace('.'),
      // CI: pnpm asks nothing; without a terminal to answer on, a question would end the install.
      env: { ...process.env, CI: 'true' },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    pnpm.once('error', reject);
    pnpm.once('exit', (code, signal) => {
      if (code === 0) return resolve();
      reject(
        new Error(
          `Installing the packages failed (${signal ?? `code ${code}`}). ${logFile} ends:\n${lastLines(logFile, 20)}`,
        ),
      );
    });
  });
}

/** Installs what is missing. `onStart` is called only when there is something to do. */
export async function install({ onStart = () => {} } = {}) {
  if (isInstalled(wantedStamp())) return;
  await withLock(
    join(localDirectory, 'locks/install.lock'),
    async () => {
      const stamp = wantedStamp();
      if (isInstalled(stamp)) return;
      onStart();
      mkdirSync(logDirectory, { recursive: true });
      await runPnpm(join(logDirectory, 'install.log'));
      writeFileSync(stampFile, stamp);
    },
    600_000,
  );
}
