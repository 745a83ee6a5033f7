/**
 * Finds a Redis (or Valkey) server, or brings one from Debian's or Ubuntu's packages into the clone: no root, nothing
 * installed, the machine's own apt lists, cache and configuration hooks left alone.
 */
import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { withLock } from './file-lock.mjs';
import { endWithThisProcess } from './managed-process.mjs';

const execute = promisify(execFile);

const AGAIN_AFTER_MS = 3000;

/** Runs a program to its end, or to that of this process: an interrupted start leaves no download running. */
async function run(command, args, options) {
  const running = execute(command, args, options);
  const release =
    running.child.pid === undefined ? () => {} : endWithThisProcess({ pid: running.child.pid, signal: 'TERM' });
  return running.finally(release);
}

/** What a redis-server of Debian 12 or Ubuntu needs beyond the C library; apt's own answer is preferred to this list. */
const USUAL_PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'];

export class RedisNotFoundError extends Error {
  code = 'redis_not_found';
  constructor(why) {
    super(
      [
        `No Redis server here: ${why}.`,
        'Give one of these and try again:',
        '  an existing server:  REDIS_URL=redis://127.0.0.1:6379',
        '  macOS:               brew install redis',
        '  Debian, Ubuntu:      sudo apt-get install redis-server',
        '  Docker:              docker compose up -d redis   then REDIS_URL=redis://127.0.0.1:6379',
      ].join('\n'),
    );
    this.name = 'RedisNotFoundError';
  }
}

function onPath(name) {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this directory: the next one is looked at.
    }
  }
  return undefined;
}

/** The folders under `root` that hold shared libraries, for LD_LIBRARY_PATH. */
function libraryFolders(root) {
  return ['usr/lib', 'lib'].flatMap((base) => {
    const folder = join(root, base);
    if (!existsSync(folder)) return [];
    const triplets = readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name.includes('-linux-'),
    );
    return [folder, ...triplets.map((entry) => join(folder, entry.name))];
  });
}

function unpacked(root) {
  const command = join(root, 'usr/bin/redis-server');
  if (!existsSync(command)) return undefined;
  const libraries = [...libraryFolders(root), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { command, env: { LD_LIBRARY_PATH: libraries }, origin: 'packages unpacked in .local' };
}

/**
 * An apt configuration of our own: private state and cache, the machine's sources, keys and proxy settings, and none of
 * its hooks (they expect root). As root, downloads run as root, because the clone may be where `_apt` cannot enter.
 */
async function privateApt(directory, sources) {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'empty', 'debs']) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  const { stdout } = await run('apt-config', ['dump']);
  const inherited = stdout.split('\n').filter((line) => /^Acquire::https?::/i.test(line));
  const file = join(directory, 'apt.conf');
  writeFileSync(
    file,
    [
      ...inherited,
      `Dir::State "${join(directory, 'state')}";`,
      'Dir::State::status "/var/lib/dpkg/status";',
      `Dir::Cache "${join(directory, 'cache')}";`,
      `Dir::Etc::main "${join(directory, 'empty/none')}";`,
      `Dir::Etc::parts "${join(directory, 'empty')}";`,
      ...sources,
      'APT::Sandbox::User "root";',
      'Acquire::Languages "none";',
      'Acquire::Retries "2";',
      'Acquire::http::Timeout "20";',
      'Acquire::https::Timeout "20";',
      'Debug::NoLocking "true";',
      '',
    ].join('\n'),
  );
  return { APT_CONFIG: file };
}

/** Only the distribution's own sources: a vendor's repository that is unreachable would cost a time-out for nothing. */
function distributionSources(directory) {
  const parts = '/etc/apt/sources.list.d';
  const files = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  const own = files.filter((file) => /\/(debian|ubuntu|raspbian|raspi)\.(sources|list)$/.test(file));
  if (own.length === 0) return [];
  const folder = join(directory, 'sources');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of own) writeFileSync(join(folder, file.split('/').at(-1)), readFileSync(file));
  return [`Dir::Etc::sourceparts "${folder}";`];
}

async function neededPackages(options) {
  try {
    const { stdout } = await run('apt-get', ['-s', '--no-install-recommends', 'install', 'redis-server'], options);
    const names = [...stdout.matchAll(/^Inst (\S+)/gm)]
      .map((match) => match[1])
      .filter((name) => /^(lib|redis)/.test(name));
    if (names.some((name) => name === 'redis-server')) return names;
  } catch {
    // A machine whose package state apt finds inconsistent can still download: the usual list serves.
  }
  return USUAL_PACKAGES;
}

async function downloadPackages(directory, report) {
  const debs = join(directory, 'debs');
  const sources = distributionSources(directory);
  // A mirror that is out of reach may be there a moment later.
  const attempts = sources.length > 0 ? [sources, sources, []] : [[], []];
  let failure;
  for (const [at, attempt] of attempts.entries()) {
    try {
      if (at > 0) await sleep(AGAIN_AFTER_MS);
      const env = { ...process.env, ...(await privateApt(directory, attempt)), LC_ALL: 'C' };
      report('reading the package lists of Debian or Ubuntu');
      // Some of a machine's sources may be out of reach; what decides is whether the download works.
      await run('apt-get', ['update', '-qq'], { env, timeout: 120_000, maxBuffer: 1 << 24 }).catch(
        (error) => (failure = error),
      );
      const packages = await neededPackages({ env, timeout: 30_000, maxBuffer: 1 << 24 });
      report(`downloading ${packages.join(', ')}`);
      await run('apt-get', ['download', '-qq', ...packages], { env, cwd: debs, timeout: 120_000, maxBuffer: 1 << 24 });
      return debs;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function fetchPackages(directory, report) {
  const workspace = join(directory, 'apt');
  const target = join(directory, 'root');
  rmSync(workspace, { recursive: true, force: true });
  mkdirSync(workspace, { recursive: true });
  const debs = await downloadPackages(workspace, report);
  const unpacking = join(directory, `unpacking-${process.pid}`);
  rmSync(unpacking, { recursive: true, force: true });
  mkdirSync(unpacking, { recursive: true });
  for (const name of readdirSync(debs).filter((file) => file.endsWith('.deb'))) {
    await run('dpkg', ['-x', join(debs, name), unpacking]);
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(unpacking, target);
  rmSync(workspace, { recursive: true, force: true });
  return target;
}

/**
 * Resolves to `{ command, env, origin, version }`. Downloads at most once per clone, under a lock that parallel runs share.
 * @param {{ localDirectory: string, report?: (line: string) => void }} options `localDirectory` is the clone's `.local`
 */
export async function findRedis({ localDirectory, report = () => {} }) {
  for (const name of ['redis-server', 'valkey-server']) {
    const command = onPath(name);
    if (command) return { command, env: {}, origin: command };
  }
  const directory = join(localDirectory, 'redis-server');
  const root = join(directory, 'root');
  const present = unpacked(root);
  if (present) return present;
  if (!onPath('apt-get') || !onPath('dpkg')) {
    throw new RedisNotFoundError('neither redis-server nor valkey-server is on PATH, and this is not Debian or Ubuntu');
  }
  return withLock(join(localDirectory, 'locks/redis-server.lock'), async () => {
    const fetchedMeanwhile = unpacked(root);
    if (fetchedMeanwhile) return fetchedMeanwhile;
    try {
      await fetchPackages(directory, report);
      const binary = unpacked(root);
      if (!binary) throw new Error('the packages hold no usr/bin/redis-server');
      await run(binary.command, ['--version'], { env: { ...process.env, ...binary.env } });
      return binary;
    } catch (error) {
      rmSync(root, { recursive: true, force: true });
      const detail = String(error.stderr || error.message)
        .trim()
        .split('\n')
        .slice(-3)
        .join(' ');
      throw new RedisNotFoundError(
        `it is not on PATH, and fetching it from the distribution's packages failed (${detail})`,
      );
    }
  });
}

/** The command line client: on PATH, or among the packages from which the server comes. Takes what `findRedis` takes. */
export async function findRedisCli(options) {
  for (const name of ['redis-cli', 'valkey-cli']) {
    const command = onPath(name);
    if (command) return { command, env: {}, origin: command };
  }
  const server = await findRedis(options);
  const command = join(dirname(server.command), 'redis-cli');
  if (existsSync(command)) return { ...server, command };
  throw new Error(`There is no redis-cli on PATH, and none beside ${server.command}: install redis-tools.`);
}
