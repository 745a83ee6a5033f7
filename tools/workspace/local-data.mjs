/**
 * Redis and PostgreSQL of this clone, with their data under `.local/`. A server that dies while it is needed is started
 * again on its port with its data: the product lives through that, and so shall a machine on which it is tried out.
 */
import { randomBytes } from 'node:crypto';
import { accessSync, chownSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canEnter, findPostgres, findRedis, startPostgresServer, startRedisServer } from '../local-services/index.mjs';
import { localDirectory, logDirectory, workspaceRoot } from './paths.mjs';
import { say, StartError } from './progress.mjs';
import { keptSecret } from './secrets.mjs';

const RESTARTS = 5;
const RESTART_PAUSE_MS = 500;

export async function startLocalRedis(report) {
  const binary = await findRedis({ localDirectory, report });
  const logFile = join(logDirectory, 'redis.log');
  return startRedisServer(binary, { directory: join(localDirectory, 'redis'), appendOnly: true, logFile });
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // The next candidate is tried.
  }
}

/**
 * Where PostgreSQL's data lies: in the clone; or, where the server's unprivileged user cannot enter the clone, in a
 * folder of the machine that is named for this clone.
 */
function postgresDirectory(user, report) {
  mkdirSync(localDirectory, { recursive: true });
  if (canEnter(user, localDirectory)) return join(localDirectory, 'postgresql');
  // Not the path: a new clone in the place of a removed one has new keys, with which the old data could not be read.
  const cloneId = keptSecret(join(localDirectory, 'clone-id'), () => randomBytes(6).toString('hex'));
  const name = `${basename(workspaceRoot)}-${cloneId}`;
  const base =
    ['/var/lib', tmpdir()].find((candidate) => isWritable(candidate) && canEnter(user, candidate)) ?? tmpdir();
  const directory = join(base, 'promptsales-cache', name);
  report(`only root can enter this clone and PostgreSQL does not run as root: its data is in ${directory}`);
  return directory;
}

/** Data made under another user is refused by PostgreSQL with a riddle; here it is said plainly, or put right when we may. */
function takeOwnership(directory, user) {
  const data = join(directory, 'data');
  if (!existsSync(data)) return;
  const wanted = user.uid ?? process.getuid();
  if (statSync(data).uid === wanted) return;
  throw new StartError(
    `${data} belongs to another user (uid ${statSync(data).uid}): npm start was run here as somebody else. ` +
      `Run it as that user again, or delete ${directory} to begin with an empty database.`,
  );
}

export async function startLocalPostgres(report) {
  const binary = await findPostgres({ report });
  const directory = postgresDirectory(binary.user, report);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (binary.user.uid !== undefined) chownSync(directory, binary.user.uid, binary.user.gid);
  takeOwnership(directory, binary.user);
  const passwordFile = join(directory, 'password');
  if (existsSync(join(directory, 'data')) && !existsSync(passwordFile)) {
    throw new StartError(
      `${passwordFile} is gone, and with it the way into the database beside it. Restore it, or delete ${directory}.`,
    );
  }
  const password = keptSecret(passwordFile, () => randomBytes(24).toString('base64url'));
  if (!existsSync(join(directory, 'data'))) report('creating the database cluster');
  const logFile = join(logDirectory, 'postgresql.log');
  return startPostgresServer(binary, { directory, password, database: 'promptsales', logFile });
}

/** Watches a server and restarts it when it dies. Returns a function that stops watching and stops the server. */
export function keepRunning(name, server) {
  let stopping = false;
  async function watch() {
    for (let restarts = 0; restarts < RESTARTS;) {
      const { code, signal } = await server.exited;
      if (stopping) return;
      restarts += 1;
      say(`${name} ended unexpectedly (${signal ?? `code ${code}`}); starting it again`);
      await sleep(RESTART_PAUSE_MS);
      if (stopping) return;
      try {
        await server.restart();
        say(`${name} is back on port ${server.port}`);
      } catch (error) {
        say(`${name} did not start again: ${error.message}`);
      }
    }
    say(`${name} ended ${RESTARTS} times and is left as it is; the API goes on without it. Its log: ${server.logFile}`);
  }
  void watch();
  return async () => {
    stopping = true;
    await server.stop();
  };
}
